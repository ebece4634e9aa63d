package cli

import "strings"

// topic is help that belongs to no command: rows of a word and what it means.
type topic struct {
	name, title string
	rows        [][2]string
	note        string
}

var topics = []topic{
	{"exit-codes", "Exit codes", [][2]string{
		{"0", "done, or nothing to change"},
		{"1", "failed; what was changed is put back unless --on-failure leave was given"},
		{"2", "wrong use, or missing or wrong answers: all of them are listed, and nothing was changed"},
		{"3", "a check failed and nothing was written"},
		{"4", "the cluster or a file changed underneath; nothing of it was overwritten"},
		{"130", "you left, or the run was interrupted"},
	}, "With -o json every outcome but 130 is one JSON object on stdout; errors have the same code under error.code."},
	{"environment", "Environment variables", [][2]string{
		{"KUBECONFIG", "kubeconfig files, as kubectl reads them; --kubeconfig wins"},
		{"HTTPS_PROXY, NO_PROXY", "proxy to the API server"},
		{"NO_COLOR", "no colours, as --no-color"},
		{"ACCESSIBLE", "plain lines instead of the full screen, as --plain"},
		{"TERM", "dumb: plain lines; else what the terminal can show"},
		{"HOME, XDG_STATE_HOME", "where things are kept for the next run, without secrets, in backstage-setup below $XDG_STATE_HOME or ~/.local/state: answers.yaml of a run that ended early, cluster.json with the cluster of the last run, journal.json while files alone are written"},
		{"PATH and what helm reads", "with --upgrade, and to undo an upgrade: your own helm, without any variable that a secret was read from"},
		{"any other", "read only where an answer names it: {env: NAME}"},
	}, "The variables of the portal's own container are another matter: backstage-setup explain lists them."},
}

func (t topic) text(width int) []string {
	longest := 0
	for _, row := range t.rows {
		longest = max(longest, len(row[0]))
	}
	return append(append(columns(2, longest+2, t.rows, width), ""), paragraphs(t.note, width)...)
}

// lines is the text for a page that keeps only lines which begin with a blank.
func (t topic) lines(width int) string {
	list := t.text(width)
	for i, line := range list {
		list[i] = " " + line
	}
	return strings.Join(list, "\n")
}
