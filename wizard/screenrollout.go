package wizard

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/k8s"
)

// rolloutLines draws a roll-out: the counts, each pod, and what is in the way with
// what mends it.
func rolloutLines(t *tokens, r *apply.Rollout, width int, now time.Time) (rows []string) {
	put := func(style interface{ Render(...string) string }, text string, hang int) {
		for _, line := range folded(visible(text), width, hang) {
			rows = append(rows, "    "+style.Render(line))
		}
	}
	put(t.dim, fmt.Sprintf("%d of %d updated, %d ready, %d available", r.Updated, r.Desired, r.Ready, r.Available), 0)
	for _, row := range podRows(r.Pods, width, now) {
		style := t.text
		if row.ready {
			style = t.good
		}
		put(style, row.text, 2)
	}
	for _, unknown := range []string{r.PodsHidden, r.EventsHidden, r.LogsHidden} {
		if unknown != "" {
			put(t.caution, "? "+unknown, 2)
		}
	}
	for i, trouble := range r.Troubles {
		style := t.caution
		if trouble.Certain {
			style = t.bad
		}
		put(style, markWrong+" "+trouble.Text(), 2)
		for _, line := range apply.Explained(r.Causes[i]) {
			put(t.text, "  "+line, 4)
		}
		if len(r.Causes[i]) == 0 {
			put(t.shell, "  "+trouble.Hint(), 4)
		}
	}
	return rows
}

// podRow is one pod.
type podRow struct {
	text  string
	ready bool
}

// podRows are the pods as a table, or where that is too wide one after another.
func podRows(pods []k8s.PodState, width int, now time.Time) (rows []podRow) {
	cells := make([][]string, len(pods))
	var widths [6]int
	for i, p := range pods {
		cells[i] = podCells(p, now)
		for j, cell := range cells[i] {
			widths[j] = max(widths[j], ansi.StringWidth(cell))
		}
	}
	for i, p := range pods {
		mark := markMore
		if p.Ready && p.Phase != "Terminating" {
			mark = markSettled
		}
		var line strings.Builder
		line.WriteString(mark)
		for j, cell := range cells[i] {
			line.WriteString(" " + cell + strings.Repeat(" ", widths[j]-ansi.StringWidth(cell)+1))
		}
		text := strings.TrimRight(line.String(), " ")
		if ansi.StringWidth(text) > width {
			text = mark + " " + strings.Join(cells[i], ", ")
		}
		rows = append(rows, podRow{text, mark == markSettled})
	}
	return rows
}

// podCells are name, template, state, readiness, restarts and age of a pod.
func podCells(p k8s.PodState, now time.Time) []string {
	state, ready := p.Phase, "not ready"
	if p.Reason != "" {
		state = p.Reason
	}
	if p.Ready {
		ready = "ready"
	}
	template := "template not known"
	if p.Template != "" {
		template = string(p.Template) + " template"
	}
	return []string{p.Name, template, state, ready, count(p.Restarts, "restart"), age(now.Sub(p.Created))}
}

// age is a duration as kubectl writes it, in its largest unit or two.
func age(d time.Duration) string {
	d = max(d, 0) // clocks differ
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 3*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
