package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// Who follows a log sees each line once, however often the daemon is killed, and
// is told once for each time that it is away.
func TestLogsOutliveTheDaemon(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.line("from the first daemon")
	cmd := ftctlProcess(t, h.socket, "logs", "-f", id)
	var out, talk lockedText
	cmd.Stdout, cmd.Stderr = &out, &talk
	require.NoError(t, cmd.Start())
	seen := func(words string) {
		t.Helper()
		eventually(t, words, func() bool { return strings.Contains(out.String(), words) })
	}
	seen("from the first daemon\n")
	for i := range 2 {
		h.kill()
		for n := range 100 {
			s.line(fmt.Sprintf("absence %d, line %d", i, n))
		}
		eventually(t, "that it is away", func() bool { return strings.Count(talk.String(), awayText) == i+1 })
		h.open()
		s.line(fmt.Sprintf("after absence %d", i))
		seen(fmt.Sprintf("after absence %d\n", i))
	}
	dir := h.job(id).Steps[0].Attempts[0].Dir
	s.exit(0)
	require.NoError(t, cmd.Wait(), talk.String())
	whole, err := os.ReadFile(filepath.Join(dir, "rank_0.log"))
	require.NoError(t, err)
	require.Equal(t, string(whole), out.String())
	require.Equal(t, 2, strings.Count(talk.String(), "\n"), "once for each time:\n%s", talk.String())
}

// A follower of days has seen daemons come and go; the next that dies is waited
// for as long as the first.
func TestPatienceIsCountedFromWhenTheDaemonWentAway(t *testing.T) {
	var gone absence
	start := time.Now()
	day := start.Add(24 * time.Hour)
	require.True(t, gone.goesOn(start, day), "a stream that lasted for a day broke off")
	require.True(t, gone.goesOn(day, day.Add(2*time.Second)))
	require.True(t, gone.goesOn(day.Add(awayFor-4*time.Second), day.Add(awayFor-2*time.Second)))
	require.False(t, gone.goesOn(day.Add(awayFor-2*time.Second), day.Add(awayFor)))
	// It came back meanwhile, and another call lasted.
	require.True(t, gone.goesOn(day.Add(awayFor), day.Add(awayFor+time.Hour)))
	err := gaveUp(api.Errorf(api.CodeUnreachable, "no daemon answers"))
	require.ErrorContains(t, err, "no daemon answers; it was waited for, 10 minutes long; start the daemon")
}

// A daemon that is suspended takes connections and says nothing. Each verb says
// so, and what to do, instead of waiting for ever.
func TestASuspendedDaemonIsNamed(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	h.ended(id)
	pid := h.daemon.Process.Pid
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	completed := background(t, "__complete", "show", "")
	verbs := [][]string{{"ps"}, {"show", id}, {"logs", id}, {"logs", "-f", id}, {"loss", id}, {"loss", "-f", id}, {"wait", id}, {"stop", id}, {"resume", id},
		{"rm", id}, {"cards"}, {"config"}, {"config", "set", "slots", "3"}, {"notify", "test"}, {"call", "math", "sqrt", "[4]"}, {"version"}, {"up"}, {"restart"},
		{"train", "--", "true"}, {"run", "tiny-llama"}, {"recipe", "plan", "tiny-llama"}, {"ckpt", "ls", id}}
	results := make([]func() (string, string, int), len(verbs))
	for i, args := range verbs {
		results[i] = background(t, args...)
	}
	out, talk, status := completed()
	require.Zero(t, status)
	require.Equal(t, ":4\n", out, "nothing is completed, and nothing said: %s", talk)
	for i, result := range results {
		_, talk, status := result()
		require.Equal(t, exitUnreachable, status, "%v: %s", verbs[i], talk)
		require.Contains(t, talk, fmt.Sprintf("the daemon (pid %d) is suspended", pid), verbs[i])
		require.Contains(t, talk, fmt.Sprintf("kill -CONT %d", pid), verbs[i])
	}
}

// While the daemon hangs, Ctrl-C ends what waits for it.
func TestCtrlCEndsWhatWaitsForADaemonThatHangs(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.steps(1, 3, 20)
	terms := map[string]*terminal{"waits": startInTerminal(t, 100, ftctlProcess(t, h.socket, "wait", id))}
	terms["waits"].shows("step 3/20")
	pid := h.daemon.Process.Pid
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	for _, verb := range []string{"ps", "stop"} {
		args := []string{verb}
		if verb == "stop" {
			args = append(args, id)
		}
		terms[verb] = startInTerminal(t, 100, ftctlProcess(t, h.socket, args...))
	}
	terms["plan"] = startInTerminal(t, 100, ftctlProcess(t, h.socket, "recipe", "plan", "tiny-llama"))
	terms["plan"].shows("looking at what there is  00:0")
	for verb, term := range terms {
		eventually(t, "the end of "+verb, func() bool {
			_, _ = term.master.WriteString("\x03")
			select {
			case err := <-term.ended:
				term.ended <- err
				return true
			default:
				return false
			}
		})
	}
	require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
	s.exit(0)
	require.Equal(t, api.StateSucceeded, h.ended(id).State)
}

// Followers wait for a daemon that was suspended, and go on.
func TestAFollowerOutlivesASuspendedDaemon(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	cmd := ftctlProcess(t, h.socket, s.ftctl()...)
	var out, talk lockedText
	cmd.Stdout, cmd.Stderr = &out, &talk
	require.NoError(t, cmd.Start())
	eventually(t, "that it follows", func() bool { return strings.Contains(out.String(), "train: running") })
	s.steps(1, 3, 20)
	eventually(t, "steps", func() bool { return strings.Contains(out.String(), "/20  loss") })
	pid := h.daemon.Process.Pid
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	eventually(t, "that it does not answer", func() bool { return strings.Contains(out.String(), awayText) })
	require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
	s.steps(4, 20, 20)
	s.exit(0)
	require.NoError(t, cmd.Wait(), out.String()+talk.String())
	require.Equal(t, 1, strings.Count(out.String(), "step 20/20  loss"), out.String())
	require.Equal(t, 1, strings.Count(out.String(), awayText), out.String())
}
