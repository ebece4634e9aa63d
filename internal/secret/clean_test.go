package secret

import (
	"slices"
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	tests := map[string]struct {
		in, want string
		notes    []string
	}{
		"nothing":             {"s3cret", "s3cret", nil},
		"empty":               {"", "", nil},
		"newline":             {"s3cret\n", "s3cret", []string{"ends with a newline: taken off"}},
		"Windows newline":     {"s3cret\r\n", "s3cret", []string{"ends with a newline: taken off"}},
		"newlines":            {"s3cret\n\r\n\r", "s3cret", []string{"ends with 3 newlines: taken off"}},
		"only newlines":       {"\n\n", "", []string{"ends with 2 newlines: taken off"}},
		"paste":               {"\x1b[200~s3cret\x1b[201~", "s3cret", []string{"has the marks of a paste around it: taken off"}},
		"half a paste":        {"s3cret\x1b[201~\n", "s3cret", []string{"has the marks of a paste around it: taken off", "ends with a newline: taken off"}},
		"newline in a paste":  {"\x1b[200~s3cret\n\x1b[201~", "s3cret", []string{"has the marks of a paste around it: taken off", "ends with a newline: taken off"}},
		"paste without ESC":   {"[200~s3cret[201~", "s3cret", []string{"has the marks of a paste around it: taken off"}},
		"paste without ESC [": {"200~s3cret201~\n", "s3cret", []string{"has the marks of a paste around it: taken off", "ends with a newline: taken off"}},
		"a lone tilde":        {"200~s3cret", "200~s3cret", nil},
		"Entra ID's tilde":    {"abc8Q~x[201~", "abc8Q~x[201~", nil},
		"only marks":          {"200~201~", "", []string{"has the marks of a paste around it: taken off"}},
		"overlapping marks":   {"[200~01~", "[200~01~", nil},
		"byte order mark":     {"\ufeffs3cret\r\n", "s3cret", []string{"starts with a byte order mark: taken off", "ends with a newline: taken off"}},
		"lines":               {"a\r\nb\nc\n", "a\r\nb\nc", []string{"ends with a newline: taken off", "has 3 lines"}},
		"blanks stay":         {" s3cret \n", " s3cret ", []string{"ends with a newline: taken off"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, notes := Clean(test.in)
			if got != test.want || !slices.Equal(notes, test.notes) {
				t.Errorf("got %q %q, want %q %q", got, notes, test.want, test.notes)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "s3cret\n", "\x1b[200~x\x1b[201~\r\n", "\x1b[20\x1b[200~0~x", "[200~\ufeff[201~", "200~201~", "a\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, notes := Clean(s)
		if again, _ := Clean(once); again != once {
			t.Errorf("%q: cleaning again gives %q", once, again)
		}
		if !strings.Contains(s, "\x1b[") && !strings.Contains(s, once) {
			t.Errorf("%q is no part of %q", once, s)
		}
		took := slices.ContainsFunc(notes, func(n string) bool { return strings.HasSuffix(n, "taken off") })
		if took != (once != s) {
			t.Errorf("%q became %q, but the notes are %q", s, once, notes)
		}
		for _, r := range []string{"\n", "\r"} {
			if strings.HasSuffix(once, r) {
				t.Errorf("%q ends a line", once)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"good":                {"s3cret with inner blanks", ""},
		"umlauts":             {"pässwörd", ""},
		"a key":               {"-----BEGIN KEY-----\r\n\tabc\n-----END KEY-----", ""},
		"longest":             {strings.Repeat("x", 64<<10), ""},
		"too long":            {strings.Repeat("x", 64<<10+1), "must be at most 64 KiB"},
		"empty":               {"", "must not be empty"},
		"only blanks":         {" ", "must not begin or end with a blank"},
		"leading":             {" x", "must not begin or end with a blank"},
		"trailing":            {"x\t", "must not begin or end with a blank"},
		"trailing newline":    {"x\n", "must not begin or end with a blank"},
		"no-break space":      {"x\u00a0", "must not begin or end with a blank"},
		"NUL":                 {"x\x00y", "must not contain control characters"},
		"escape":              {"x\x1b[Dy", "must not contain control characters"},
		"delete":              {"x\x7fy", "must not contain control characters"},
		"C1":                  {"x\u009by", "must not contain control characters"},
		"UTF-16 of a Windows": {"\xff\xfex\x00", "must be text in UTF-8"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := Check(test.in); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPlaceholder(t *testing.T) {
	for _, s := range []string{
		"your-client-secret", "your-32-character-secret-here", "not-used", "placeholder-not-in-use",
		"backstage-portal-secret", "local-dev-backend-secret", "supersecret", "your-secure-password", "changeme",
		"ChangeMe", " not-used\n", "<your-client-secret>",
	} {
		if !Placeholder(s) {
			t.Errorf("%q is public", s)
		}
	}
	for _, s := range []string{"", "<>", "x", "my-client-secret", "supersecret2", strings.Repeat("a", 44)} {
		if Placeholder(s) {
			t.Errorf("%q is not public", s)
		}
	}
	if !ThunderDefault("backstage-portal-secret") || ThunderDefault("changeme") || ThunderDefault("") {
		t.Error("ThunderDefault")
	}
}
