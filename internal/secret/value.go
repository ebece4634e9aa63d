package secret

// Value is an answer that is a secret. Ref tells where it comes from; with a zero
// Ref the Text was typed. A Ref without Text is not resolved yet, or is "keep".
// It is written as its Ref alone: a typed value is written as null.
type Value struct {
	Ref  Ref
	Text Text
}

// Typed returns the Value of a secret that a person typed or piped in.
func Typed(t Text) Value { return Value{Text: t} }

// IsZero says whether there is neither a reference nor a secret.
func (v Value) IsZero() bool { return v.Ref.IsZero() && v.Text.IsZero() }

// Equal says whether both hold the same reference and the same secret.
func (v Value) Equal(other Value) bool { return v.Ref == other.Ref && v.Text.Equal(other.Text) }

// String returns the reference's short form, or what Text.String says when typed.
func (v Value) String() string {
	if v.Ref.IsZero() {
		return v.Text.String()
	}
	return v.Ref.String()
}

// MarshalYAML writes the reference; nil when there is none.
func (v Value) MarshalYAML() (any, error) { return v.Ref.MarshalYAML() }

// MarshalJSON writes the reference; null when there is none.
func (v Value) MarshalJSON() ([]byte, error) { return v.Ref.MarshalJSON() }

// UnmarshalYAML reads a reference as Ref does.
func (v *Value) UnmarshalYAML(unmarshal func(any) error) error {
	var r Ref
	if err := r.UnmarshalYAML(unmarshal); err != nil {
		return err
	}
	*v = Value{Ref: r}
	return nil
}

// UnmarshalJSON reads a reference as Ref does.
func (v *Value) UnmarshalJSON(data []byte) error {
	var r Ref
	if err := r.UnmarshalJSON(data); err != nil {
		return err
	}
	*v = Value{Ref: r}
	return nil
}
