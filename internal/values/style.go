package values

import (
	"sync"

	yaml "go.yaml.in/yaml/v3"
)

// renderer gives the style of new lines in the innermost block collection of a
// slot.
func (e *editor) renderer(s slot, at int) renderer {
	step := e.d.step(s.chain)
	dash := sync.OnceValue(func() int { return e.d.dashStep(s.chain, at, step) })
	return renderer{step: step, dash: dash, comments: e.comments, quoting: e.quoting(s)}
}

func (e *editor) flowRenderer(s slot) flowRenderer {
	return flowRenderer{s.style, e.quoting(s)}
}

// quoting gives that of new texts in a slot. What is like JSON stays so.
func (e *editor) quoting(s slot) quoting {
	around := s.around
	if s.flow && s.style.json {
		around = around[len(s.chain):]
	}
	return quoting{e: e, around: around, near: true}
}

// step is how deep mappings stand in mappings hereabouts.
func (d *document) step(chain []*yaml.Node) int {
	for i := len(chain) - 1; i >= 0; i-- {
		n := chain[i]
		if n.Kind != yaml.MappingNode {
			continue
		}
		column := d.column(n)
		for j := 1; j < len(n.Content); j += 2 {
			if v := n.Content[j]; v.Kind == yaml.MappingNode && isBlock(v) && d.column(v) > column {
				return d.column(v) - column
			}
		}
		if i > 0 && chain[i-1].Kind == yaml.MappingNode && column > d.column(chain[i-1]) {
			return column - d.column(chain[i-1])
		}
	}
	return 2
}

// dashStep is how deep dashes stand under their key hereabouts: as in the
// closest list of the innermost collection that has any.
func (d *document) dashStep(chain []*yaml.Node, at, step int) int {
	for i := len(chain) - 1; i >= 0; i-- {
		best := -1
		d.lists(chain[i], func(line, depth int) {
			if best < 0 || line <= d.line(at)+1 {
				step, best = depth, line
			}
		})
		if best >= 0 {
			return step
		}
	}
	return step
}

// lists calls f with line and depth of each block list in n that has a key.
func (d *document) lists(n *yaml.Node, f func(line, depth int)) {
	for i, v := range n.Content {
		if !isBlock(v) {
			continue
		}
		if v.Kind == yaml.SequenceNode && n.Kind == yaml.MappingNode && i%2 == 1 {
			f(v.Line, d.column(v)-d.column(n))
		}
		d.lists(v, f)
	}
}

// insertAt is where lines go that follow what ends at end in a collection
// whose keys or dashes stand at column: behind the comments that still belong
// to it, before those that belong to what comes next.
func (d *document) insertAt(end, column int) int {
	at := d.after(end)
	next, i := -1, at
	for i < len(d.src) { // the indentation of the next content
		start := i
		for i < len(d.src) && blank(d.src, i) > 0 && lineBreak(d.src, i) == 0 {
			i++
		}
		if i < len(d.src) && d.src[i] != '#' && lineBreak(d.src, i) == 0 {
			next = i - start
			break
		}
		i = d.lineEnd(i)
		i += lineBreak(d.src, i)
	}
	for at < len(d.src) {
		i := at
		for i < len(d.src) && d.src[i] == ' ' {
			i++
		}
		if i == len(d.src) || d.src[i] != '#' || i-at < column || i-at <= next {
			break
		}
		at = d.lineEnd(i)
		at += lineBreak(d.src, at)
	}
	return at
}
