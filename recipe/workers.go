package recipe

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ftd/launcher"
	"ftd/logparse"
	"ftd/recipe/expression"
)

// Several processes of one training, one a card, are started by MindSpore's
// msrun. Its logs lie in the attempt's directory, where they are fresh: msrun
// empties what it finds.
const (
	msrunLogs   = "msrun_log"
	msrunOutput = "msrun.log" // what msrun itself prints
)

// maxWorkers keeps a mistake in a recipe from being carried out.
const maxWorkers = 1024

// workers is how many processes the training consists of: as many cards it
// needs.
func workers(s *StepContext) (int, error) {
	n, given := s.With["workers"].(int64)
	if !given {
		return 1, nil
	}
	if n < 1 || n > maxWorkers {
		return 0, &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("workers is %d in the step %s and must be from 1 to %d", n, s.Step.ID, maxWorkers),
			Remedy:  "give the number of cards",
		}
	}
	return int(n), nil
}

// ranksOf is how many ranks must have saved a checkpoint, 0 if whatever is
// there counts: a command may start processes of its own.
func ranksOf(s *StepContext) int {
	if n, err := workers(s); err == nil && n > 1 {
		return n
	}
	return 0
}

// distribute lets msrun start the command of spec n times.
func distribute(ctx context.Context, s *StepContext, spec *launcher.Spec, n int) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	program, rest, err := pythonCommand(s, spec.Command)
	if err != nil {
		return err
	}
	msrun := filepath.Join(filepath.Dir(program), "msrun")
	if _, err := os.Stat(msrun); err != nil {
		return &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("workers is %d, which takes msrun, and %s is not there", n, msrun),
			Remedy:  "use an environment with MindSpore 2.2 or later, or workers: 1",
		}
	}
	logs := filepath.Join(s.Attempt.Dir, msrunLogs)
	count := strconv.Itoa(n)
	spec.Command = []string{msrun, "--worker_num=" + count, "--local_worker_num=" + count,
		"--master_addr=127.0.0.1", "--master_port=" + strconv.Itoa(port), "--log_dir=" + logs, "--join=True"}
	if knowsTail(program) {
		// No rank has this number: what the workers print is in their own
		// logs, and need not be copied into msrun's.
		spec.Command = append(spec.Command, "--tail_worker_log=-2")
	}
	// msrun starts "python" by PATH, whatever interpreter it is given.
	spec.Command = append(append(spec.Command, "python"), rest...)
	spec.Env = talkative(launcher.EnvChange{Prepend: map[string]string{"PATH": filepath.Dir(program)}}.Apply(spec.Env))
	spec.Log, spec.RankLogs = msrunOutput, filepath.Join(logs, "worker_*.log")
	return linkLogs(s.Attempt.Dir, n)
}

// workersGlog holds the variables of MindSpore's logger that are meant for the
// workers: ftd_site gives them to those and to the scheduler.
const workersGlog = "FTD_WORKERS_GLOG"

// talkative lets msrun say which worker has failed, which it does as an error
// on its standard error: that is the only way to know before it has waited for
// the scheduler. GLOG_v=4 or a log of files alone would keep it to itself.
func talkative(env []string) []string {
	loud := map[string]string{}
	var theirs []string
	for name, value := range map[string]string{"GLOG_v": "3", "GLOG_stderrthreshold": "3", "GLOG_logtostderr": "1"} {
		given := environ(env, name)
		if quiet := given > value || name == "GLOG_logtostderr" && given == "0"; given == "" || !quiet {
			continue
		}
		loud[name] = value
		theirs = append(theirs, name+"="+given)
	}
	if len(loud) == 0 {
		return env
	}
	slices.Sort(theirs)
	loud[workersGlog] = strings.Join(theirs, " ")
	return launcher.EnvChange{Set: loud}.Apply(env)
}

// linkLogs gives the workers' logs the names that the logs of ranks have.
func linkLogs(dir string, n int) error {
	for rank := range n {
		link := filepath.Join(dir, logparse.RankLog(rank))
		err := os.Symlink(filepath.Join(msrunLogs, fmt.Sprintf("worker_%d.log", rank)), link)
		if err != nil && !errors.Is(err, os.ErrExist) { // of a start that was cut short
			return fmt.Errorf("the log of rank %d cannot be given its name: %w", rank, err)
		}
	}
	return nil
}

// pythonName matches the programs that msrun can be given as "python".
var pythonName = expression.Lazily(`^python[0-9.]*$`)

// pythonCommand splits a command into its interpreter and the rest. A script
// is run by the environment's own.
func pythonCommand(s *StepContext, command []string) (program string, rest []string, err error) {
	first := command[0]
	switch name := filepath.Base(first); {
	case pythonName().MatchString(name) && filepath.IsAbs(first):
		return first, command[1:], nil
	case pythonName().MatchString(name):
		return s.Settings.Python, command[1:], nil
	case strings.HasSuffix(name, ".py"):
		return s.Settings.Python, command, nil
	}
	return "", nil, &Problem{
		Code:    CodeInvalid,
		Message: fmt.Sprintf("%s is not a Python program, and msrun starts nothing else", first),
		Remedy:  "give the command that one process runs, such as [python, train.py]; ftd starts it for each worker",
	}
}

// knowsTail reports whether the msrun of an environment has the option
// --tail_worker_log, as MindSpore 2.4 and later have.
func knowsTail(python string) bool {
	sources := launcher.Glob(filepath.Dir(filepath.Dir(python)), "lib/python*/site-packages/mindspore/parallel/cluster/run.py")
	return slices.ContainsFunc(sources, func(path string) bool {
		source, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(source), "--tail_worker_log")
	})
}

// Ports below those that the kernel gives to outgoing connections (32768 on):
// the scheduler opens its port only seconds after it was chosen.
const (
	firstPort = 15000
	lastPort  = 32000
	portTries = 50
)

// freePort returns a port that nobody listens on at this moment.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	var err error
	for range portTries {
		port := firstPort + rand.IntN(lastPort-firstPort)
		var l net.Listener
		if l, err = config.Listen(ctx, "tcp", ":"+strconv.Itoa(port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port was found for the scheduler: %w", err)
}

// launcherScripts are scripts of mindformers that start processes and end with
// status 0 whatever becomes of them; msrun_launcher.sh since 1.5 does so for
// one worker without starting any.
var launcherScripts = []string{"msrun_launcher.sh", "run_distribute.sh", "run_singlenode.sh", "run_standalone.sh"}

// refuseLauncher refuses a command whose exit status says nothing.
func refuseLauncher(command []string) error {
	for _, word := range command {
		if name := filepath.Base(word); slices.Contains(launcherScripts, name) {
			return &Problem{
				Code:    CodeInvalid,
				Message: name + " ends with status 0 whatever becomes of the training",
				Remedy:  "give the command that it starts, such as [python, run_mindformer.py, ...], and workers: N",
			}
		}
	}
	if len(command) > 0 && filepath.Base(command[0]) == "msrun" && !slices.Contains(command, "--join=True") {
		return &Problem{
			Code:    CodeInvalid,
			Message: "msrun without --join=True ends at once, whatever becomes of the training",
			Remedy:  "give the command that it starts, and workers: N; or add --join=True",
		}
	}
	return nil
}
