package templates

// Group is a mapping of a new values file and the comment above it.
type Group struct{ Path, Comment string }
