package postgres

import "fmt"

// Budget is how many connections the portal will want.
type Budget struct {
	Replicas int // at most, the autoscaler's included; 0 counts as 1
	Surge    int // pods that a roll-out adds for its time
	Plugins  int // with a database; 0 counts as 8
	Pool     int // knexConfig.pool.max; 0 counts as 10, knex's default
}

// complete returns b with its defaults. Eight plugins are the upper bound for the
// portal's image: seven with data, and one for what a pod does in between.
func (b Budget) complete() Budget {
	b.Replicas = max(b.Replicas, 1)
	b.Surge = max(b.Surge, 0)
	if b.Plugins < 1 {
		b.Plugins = 8
	}
	if b.Pool < 1 {
		b.Pool = 10
	}
	return b
}

// Needed is the most that the portal opens: every plugin of every pod has a pool
// of its own.
func (b Budget) Needed() int {
	b = b.complete()
	return b.Plugins * b.perPlugin()
}

// Busy is about what the portal has open in a busy hour. Pools start empty (min 0)
// and grow when asked: the catalog's processing fills its own, the other plugins
// have a query and a task or migration at a time. That is an estimate; Needed is
// the bound.
func (b Budget) Busy() int {
	b = b.complete()
	return (b.Replicas + b.Surge) * (b.Pool + (b.Plugins-1)*min(b.Pool, 2))
}

// Pods are those of a roll-out at its widest.
func (b Budget) Pods() int {
	b = b.complete()
	return b.Replicas + b.Surge
}

// Least is one connection for each plugin of each pod.
func (b Budget) Least() int {
	b = b.complete()
	return b.Plugins * (b.Replicas + b.Surge)
}

// Fit returns the largest pool, of at most 4, with which the portal stays below
// free connections; 0 when none does.
func (b Budget) Fit(free int) int { return min(4, max(0, free)/b.Least()) }

// perPlugin is what one plugin opens in all pods.
func (b Budget) perPlugin() int { return b.Pool * (b.Replicas + b.Surge) }

// budget holds what the portal wants against the limits.
func (j *judgement) budget(r *Report, b Budget) {
	type limit struct {
		tight, large string
		free         int
		what, of     string
	}
	limits := []limit{{"limit.tight", "limit.budget", r.Limits.Free(), "max_connections", r.InUse()}}
	if r.Role.Limit >= 0 && !r.Role.Superuser {
		of := fmt.Sprintf("of %d, %d are in use for something else", r.Role.Limit, r.Limits.Elsewhere)
		limits = append(limits, limit{"limit.role.tight", "limit.role.budget", r.left(), "the role's connection limit", of})
	}
	for _, l := range limits {
		fit := b.Fit(l.free)
		advice := fmt.Sprintf("with a pool of %d it opens %d", fit, fit*b.Least())
		if fit == 0 {
			advice = fmt.Sprintf("even one for each plugin makes %d", b.Least())
		}
		switch {
		case r.Pooler: // the pooler's own limit counts, and nobody tells it
		case l.free < b.Plugins:
			j.add(l.tight, "%s leaves %d connections (%s); a single pod needs one for each of its %d plugins", l.what, max(0, l.free), l.of, b.Plugins)
		case l.free < b.Busy():
			j.add(l.large, "%s leaves %d connections (%s); a busy portal opens some %d, and up to %d (%d plugins with %d each in %d pods); %s", l.what, l.free, l.of, b.Busy(), b.Needed(), b.Plugins, b.Pool, b.Pods(), advice)
		}
	}
}
