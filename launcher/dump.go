package launcher

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ftd/launcher/process"
	"ftd/launcher/shim"
)

const (
	dumpLogBytes = 256 << 10        // of the end of each log
	toolTimeout  = 10 * time.Second // of npu-smi and py-spy
	maxDumps     = 20               // of one run: a training that limps must not fill the disk
)

// Dump writes a bundle (.tar.gz) for whoever has to find out why a run does
// not get on, into its directory, and returns the bundle's path. It holds the
// Python stacks of all processes that answer, what /proc says of each process,
// the ends of the logs, and what npu-smi says. Nothing is stopped by it, and
// the environment with its secrets is not in it. What cannot be had is named
// in the bundle's errors.txt and is no error of Dump.
func (r *Run) Dump(ctx context.Context) (path string, err error) {
	members, err := r.members()
	if err != nil {
		return "", err
	}
	f, path, err := r.dumpFile()
	if err != nil {
		return "", errorf(CodeRunDirectory, "the dump cannot be written: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			_ = os.Remove(path)
			err = errorf(CodeRunDirectory, "the dump cannot be written: %w", err)
		}
	}()
	zipped := gzip.NewWriter(f)
	b := &bundle{tar: tar.NewWriter(zipped), dir: strings.TrimSuffix(filepath.Base(path), ".tar.gz"), now: time.Now()}
	b.processes(members)
	for name, stacks := range r.pythonStacks(ctx, members) {
		b.add(name, stacks)
	}
	for _, log := range r.Logs() {
		b.take("logs/"+filepath.Base(log), func() ([]byte, error) { return lastBytes(log, dumpLogBytes) })
	}
	r.tools(ctx, b, members)
	if len(b.errors) > 0 {
		b.add("errors.txt", []byte(strings.Join(b.errors, "\n")+"\n"))
	}
	return path, errors.Join(b.failed, b.tar.Close(), zipped.Close())
}

// dumpFile makes the first dump-N.tar.gz that is not there yet.
func (r *Run) dumpFile() (*os.File, string, error) {
	for n := 1; n <= maxDumps; n++ {
		path := filepath.Join(r.dir, fmt.Sprintf("dump-%d.tar.gz", n))
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return f, path, err
		}
	}
	return nil, "", fmt.Errorf("there are %d in %s already", maxDumps, r.dir)
}

// tools asks the programs that may be installed.
func (r *Run) tools(ctx context.Context, b *bundle, members []process.Stat) {
	run := func(name string, command ...string) {
		program, err := shim.LookPath(Spec{Command: command, Dir: r.spec.Dir, Env: r.spec.Env})
		if err != nil {
			return // it is not installed
		}
		ctx, cancel := context.WithTimeout(ctx, toolTimeout)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, command[1:]...)
		cmd.Env, cmd.WaitDelay = r.spec.Env, time.Second
		b.take(name, cmd.CombinedOutput)
	}
	run("npu-smi.txt", "npu-smi", "info")
	for _, m := range members {
		if strings.Contains(m.Command, "python") {
			run(fmt.Sprintf("py-spy/%d.txt", m.PID), "py-spy", "dump", "--pid", strconv.Itoa(m.PID))
		}
	}
}

// bundle is a dump on its way.
type bundle struct {
	tar    *tar.Writer
	dir    string
	now    time.Time
	errors []string // what could not be had
	failed error    // the bundle itself cannot be written
}

func (b *bundle) add(name string, data []byte) {
	if b.failed != nil {
		return
	}
	b.failed = b.tar.WriteHeader(&tar.Header{Name: b.dir + "/" + name, Mode: 0o600, Size: int64(len(data)), ModTime: b.now})
	if b.failed == nil {
		_, b.failed = b.tar.Write(data)
	}
}

// take adds what can be had, and notes why it cannot.
func (b *bundle) take(name string, get func() ([]byte, error)) {
	data, err := get()
	if err != nil {
		b.errors = append(b.errors, name+": "+err.Error())
	}
	if len(data) > 0 {
		b.add(name, data)
	}
}

// processes adds a table of the processes and what the kernel says of each.
// Only files are read that answer for a process that hangs in the kernel: its
// command line would not, for it lies in its memory.
func (b *bundle) processes(members []process.Stat) {
	var table bytes.Buffer
	fmt.Fprintln(&table, "PID PARENT STATE CPU COMMAND")
	for _, m := range members {
		fmt.Fprintf(&table, "%d %d %c %s %s\n", m.PID, m.Parent, m.State, time.Duration(m.CPUTicks)*clockTick, m.Command)
		proc := filepath.Join("/proc", strconv.Itoa(m.PID))
		name := "processes/" + strconv.Itoa(m.PID)
		for _, file := range []string{"status", "wchan", "stack", "syscall", "io", "limits"} {
			b.take(name+"/"+file, func() ([]byte, error) { return os.ReadFile(filepath.Join(proc, file)) })
		}
		b.take(name+"/open-files", func() ([]byte, error) { return openFiles(filepath.Join(proc, "fd")) })
		b.take(name+"/threads", func() ([]byte, error) { return threads(filepath.Join(proc, "task")) })
	}
	b.add("processes.txt", table.Bytes())
}

func openFiles(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	var out bytes.Buffer
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			fmt.Fprintln(&out, e.Name(), target)
		}
	}
	return out.Bytes(), err
}

// threads lists each thread with its name and what it waits for.
func threads(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir)
	var out bytes.Buffer
	for _, e := range entries {
		name, _ := os.ReadFile(filepath.Join(dir, e.Name(), "comm"))
		waits, _ := os.ReadFile(filepath.Join(dir, e.Name(), "wchan"))
		fmt.Fprintf(&out, "%s %s %s\n", e.Name(), strings.TrimSpace(string(name)), waits)
	}
	return out.Bytes(), err
}
