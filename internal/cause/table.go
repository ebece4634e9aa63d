package cause

import (
	"slices"
	"sync"
)

// table is made once, when it is needed: its patterns take a moment.
var table = sync.OnceValue(rows)

// rows is the table, the most fundamental cause first: what keeps the container
// from being made, from starting, from its database, from a token, from the API,
// and people from signing in.
func rows() []row {
	return slices.Concat(
		helmRows(), kubernetesRows(), nodeRows(), configRows(), sqliteRows(),
		networkRows(database), postgresRows(),
		networkRows(identity), tokenRows(), verificationRows(),
		networkRows(api), apiRows(),
		signInRows(), networkRows(other), generalRows(),
	)
}
