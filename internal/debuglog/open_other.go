//go:build !unix

package debuglog

import "errors"

const noFollow = 0

var linked = errors.New("no link is told apart here")
