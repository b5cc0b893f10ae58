// Package fault is the error of the mechanisms below package recipe: they know
// nothing of steps and jobs, but they know what is wrong and what to do.
package fault

import "fmt"

// Fault is an error with a code, a cause and a remedy. Package recipe turns it
// into a problem of the step that met it.
type Fault struct {
	Code    string
	Message string
	Remedy  string
}

func (f *Fault) Error() string {
	if f.Remedy == "" {
		return f.Message
	}
	return f.Message + "; " + f.Remedy
}

// New makes a fault; remedy is a sentence without a full stop.
func New(code, remedy, format string, args ...any) *Fault {
	return &Fault{Code: code, Remedy: remedy, Message: fmt.Sprintf(format, args...)}
}
