package answers

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// causes are the library's complaints, by a part of each, in words for people.
// Some of its texts quote the file, where a literal secret may stand: ours never
// do.
var causes = []struct{ part, words string }{
	{"found a tab character", "a tab in the indentation: indent with spaces"},
	{"found character that cannot start any token", "a value cannot start with a tab, @, ` or %: put it in quotes"},
	{"mapping values are not allowed", "a colon in the wrong place: the line above lacks one, this key is indented too far, or a value with a colon in it needs quotes"},
	{"did not find expected key", "the indentation does not fit the lines above, or something follows a value in quotes"},
	{"did not find expected '-' indicator", "the indentation does not fit the list above"},
	{"could not find expected ':'", "a key without a colon behind it"},
	{"found unexpected end of stream", "a quotation mark that is not closed"},
	{"found unexpected document indicator", "a quotation mark that is not closed before ---"},
	{"did not find expected ',' or '}'", "a brace { that is not closed, or a comma that is missing in it"},
	{"did not find expected ',' or ']'", "a bracket [ that is not closed, or a comma that is missing in it"},
	{"did not find expected node content", "a value is missing here"},
	{"block sequence entries are not allowed", "a list cannot start here: put it on lines of its own"},
	{"mapping keys are not allowed", "a question mark cannot stand here: put the value in quotes"},
	{"found unknown escape character", "a backslash that means nothing inside double quotes: write single quotes"},
	{"did not find expected hexdecimal number", "an escape inside double quotes that is not complete: write single quotes"},
	{"found invalid Unicode character escape", "an escape inside double quotes that is no character: write single quotes"},
	{"unknown anchor", aliasMark},
	{"did not find expected alphabetic or numeric character", aliasMark},
	{"contains itself", "an anchor that contains itself"},
	{"tag", "a value that starts with ! names a type: put it in quotes"},
	{"did not find the expected '>'", "a value that starts with ! names a type: put it in quotes"},
	{"comment or line break", "nothing but a comment may follow | or >"},
	{"indentation indicator", "nothing but a comment may follow | or >"},
	{"control characters are not allowed", "a character that cannot be printed"},
	{"UTF-8", "the file is not UTF-8"},
	{"UTF-16", "the file is not UTF-8"},
	{"max depth", "too many levels"},
}

const aliasMark = "* and & have a meaning of their own at the start of a value: put it in quotes"

func causeOf(err error) string {
	for _, c := range causes {
		if strings.Contains(err.Error(), c.part) {
			return c.words
		}
	}
	return "the file breaks off, or has signs that mean nothing here"
}

// maxPlaced bounds the files, and longestPlaced the lines, both in bytes, in which
// the place of an error is searched.
const maxPlaced, longestPlaced = 64 << 10, 1000

// syntaxProblem says where a file stops being YAML, and why. The library's own
// line is often that of the block around it, and it tells no column, so the place
// is where the file first reads wrong in this way.
func syntaxProblem(name string, src []byte, err error) Problem {
	cause := causeOf(err)
	if len(src) > maxPlaced {
		return Problem{Where: name, Message: "not valid YAML: " + cause + lineOf(err)}
	}
	wrong := func(end int) bool {
		err := parse(src[:end])
		return err != nil && causeOf(err) == cause
	}
	// Backwards: an error that an earlier part would give too may have been mended.
	start, end := 0, len(src)
	for end > 0 {
		start = bytes.LastIndexByte(src[:end-1], '\n') + 1
		if start == 0 || !wrong(start) {
			break
		}
		end = start
	}
	at := end
	if end-start > longestPlaced {
		at = start
	}
	for found := false; at > start && !found; {
		_, size := utf8.DecodeLastRune(src[start:at])
		at -= size
		found = !wrong(at)
	}
	line := 1 + bytes.Count(src[:start], []byte("\n"))
	before := bytes.TrimPrefix(src[start:at], []byte("\ufeff"))
	if at < len(src) && src[at] == '\t' && cause == causeOf(errToken) {
		cause = causes[0].words
	}
	return Problem{Where: fmt.Sprintf("%s:%d:%d", name, line, utf8.RuneCount(before)+1), Message: "not valid YAML: " + cause}
}

var errToken = fmt.Errorf("found character that cannot start any token")

// parse reads all documents of a file for their errors alone.
func parse(src []byte) (err error) {
	defer func() { // the library has had panics on malformed input
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	for decode := yaml.NewDecoder(bytes.NewReader(src)); err == nil; {
		err = decode.Decode(new(yaml.Node))
	}
	if err == io.EOF {
		return nil
	}
	return err
}
