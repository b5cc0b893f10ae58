package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"ftd/launcher/rundir"
)

// holdFlag asks for the holder. Its file descriptor 3 is the pipe on which it
// reports how the start went.
const holdFlag = "--hold"

// Report is what the shim prints on standard output, as one line of JSON, when
// the command could not be started; nothing is printed when all is well.
type Report struct {
	Reason  string `json:"reason"` // one of the rundir.Reason constants
	Message string `json:"message"`
}

// Main is the program; version says which one it is.
func Main(args []string, version string) int {
	switch {
	case len(args) == 2 && args[0] == holdFlag:
		return newHolder(args[1], version).run()
	case len(args) == 1 && args[0] == "--version":
		fmt.Println("ftd-shim", version)
		return 0
	case len(args) == 1 && filepath.IsAbs(args[0]):
		return detach(args[0])
	}
	fmt.Fprintln(os.Stderr, "usage: ftd-shim /absolute/path/of/a/run/directory\n"+
		"The daemon starts it; there is no reason to do so by hand.")
	return 2
}

// detach starts the holder and waits for its report.
func detach(dir string) int {
	report, err := startHolder(dir)
	if err != nil {
		report = &Report{Reason: rundir.ReasonOther, Message: "cannot start the shim: " + err.Error()}
	}
	if report == nil {
		return 0
	}
	_ = json.NewEncoder(os.Stdout).Encode(report)
	return 1
}

func startHolder(dir string) (*Report, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	listen, say, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer listen.Close()
	// /proc/self/exe is this very program even if its file was replaced by an
	// upgrade a moment ago.
	p, err := os.StartProcess("/proc/self/exe", []string{"ftd-shim", holdFlag, dir}, &os.ProcAttr{
		Dir:   "/",
		Env:   os.Environ(),
		Files: []*os.File{null, null, os.Stderr, say},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	say.Close()
	if err != nil {
		return nil, err
	}
	// The pipe is closed by the holder once the training runs, or by its death.
	data, err := io.ReadAll(listen)
	if err != nil {
		return nil, err
	}
	if string(data) == started {
		return nil, p.Release()
	}
	_, _ = p.Wait() // so that nothing of it is left when the failure is known
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, errors.New("it ended without a word, see " + filepath.Join(dir, rundir.ShimLogFile))
	}
	return &r, nil
}
