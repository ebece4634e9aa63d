//go:build !linux && !darwin

package file

// access: elsewhere only trying tells.
func access(string) error { return nil }
