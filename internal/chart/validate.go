package chart

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Problem is what a chart has against some values.
type Problem struct {
	// Path is where: keys joined by dots, a dot within a key after a backslash,
	// items as [0]. Empty means the values as a whole.
	Path string
	// Message completes "The value …".
	Message string
	// Description is the schema's own for the path, or for the nearest one above
	// that has any.
	Description string
}

// Validate holds values, as Effective returns them, against the chart's schema
// and returns one Problem per fault, ordered by path. A chart without a schema
// finds nothing.
func (c *Chart) Validate(values map[string]any) []Problem {
	if c.verify == nil {
		return nil
	}
	schema, err := c.verify()
	if err != nil {
		return []Problem{{Message: "cannot be checked: the chart's values.schema.json: " + firstLine(err)}}
	}
	var invalid *jsonschema.ValidationError
	err = schema.Validate(plain(values))
	if err == nil {
		return nil
	}
	if !errors.As(err, &invalid) {
		return []Problem{{Message: "cannot be checked: " + firstLine(err)}}
	}
	problems := c.problems(plain(values), invalid)
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}

// problems takes the leaves of the tree of errors: what stands above them only
// says that something below is wrong.
func (c *Chart) problems(values any, e *jsonschema.ValidationError) []Problem {
	if len(e.Causes) > 0 {
		var all []Problem
		for _, cause := range e.Causes {
			all = append(all, c.problems(values, cause)...)
		}
		return all
	}
	at := location(values, e.InstanceLocation)
	below := func(keys []string, text string) []Problem {
		all := make([]Problem, len(keys))
		for i, key := range keys {
			all[i] = c.problem(append(slices.Clone(at), step{key: key}), text)
		}
		return all
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return below(k.Properties, "is not a key of this chart")
	case *kind.Required:
		return below(k.Missing, "is missing")
	}
	return []Problem{c.problem(at, complaint(e.ErrorKind))}
}

func (c *Chart) problem(at []step, text string) Problem {
	p := Problem{Path: join(at), Message: text}
	for i := len(at); i >= 0 && p.Description == ""; i-- {
		if node, ok := c.described(at[:i]); ok {
			p.Description, _ = node["description"].(string)
		}
	}
	return p
}

// location turns a JSON pointer into steps: only the values tell whether "0" is
// a key or an index.
func location(values any, pointer []string) []step {
	var at []step
	for _, part := range pointer {
		s := step{key: part}
		if list, ok := values.([]any); ok {
			if index, err := strconv.Atoi(part); err == nil && index < len(list) {
				s = step{item: true, index: index}
			}
		}
		at = append(at, s)
		values, _ = lookup(values, []step{s})
	}
	return at
}

// complaint says what a leaf error asks for, without repeating the value.
func complaint(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return wrongType(k)
	case *kind.Enum:
		return "must be " + schemaValues(k.Want)
	case *kind.Const:
		return "must be " + schemaValue(k.Want)
	case *kind.Minimum:
		return "must be " + number(k.Want) + " or more"
	case *kind.Maximum:
		return "must be " + number(k.Want) + " or less"
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MinLength:
		if k.Want == 1 {
			return "must not be empty"
		}
		return fmt.Sprintf("must have %d or more characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have %d or fewer characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("must have %d or more entries", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have %d or fewer entries", k.Want)
	case *kind.Pattern:
		return "must match the pattern " + k.Want
	case *kind.Format:
		if k.Want == "uri" {
			return "must be a full address, such as https://console.example.com"
		}
		return "must have the form of " + article(k.Want)
	case *kind.FalseSchema:
		return "is not allowed here"
	}
	return "does not fit the chart's schema: " + k.LocalizedString(message.NewPrinter(language.English))
}

func number(r *big.Rat) string {
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func wrongType(k *kind.Type) string {
	words := map[string]string{
		"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
		"array": "a list", "object": "a mapping of keys", "null": "null",
	}
	names := slices.Clone(k.Want)
	slices.SortStableFunc(names, func(a, b string) int { // null comes last
		return cmp.Compare(strings.Count(a, "null"), strings.Count(b, "null"))
	})
	want := make([]string, len(names))
	for i, name := range names {
		want[i] = cmp.Or(words[name], name)
	}
	text := "must be " + or(want)
	switch wants := names[0]; {
	case k.Got == "null":
		return text + ", not empty"
	case wants == "string" && (k.Got == "number" || k.Got == "boolean"):
		return text + ": put it in quotes"
	case wants == "boolean" && k.Got == "string", (wants == "integer" || wants == "number") && k.Got == "string":
		return text + ", without quotes"
	}
	return text
}

func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
