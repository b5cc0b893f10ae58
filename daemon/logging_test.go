package daemon

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"ftd/api"
	"ftd/daemon/settings"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (h *house) job(id string) *api.Job {
	h.t.Helper()
	job, err := h.Job(h.t.Context(), id)
	require.NoError(h.t, err)
	return job
}

func TestTheJournalGetsPrioritiesAndNoTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	out, err := os.Create(path)
	require.NoError(t, err)
	var st unix.Stat_t
	require.NoError(t, unix.Fstat(int(out.Fd()), &st))
	t.Setenv("JOURNAL_STREAM", itoa(int(st.Dev))+":"+itoa(int(st.Ino)))
	log := newLog(&settings.Settings{LogFormat: "auto"}, out)
	log.Info().Str("job", "01a").Int("exit", 3).Msg("attempt ended")
	log.Warn().Str("why", "two\nlines").Msg("careful")
	log.Error().Msg("bad")
	log.Error().Msg("first\n<0>second") // would be two entries
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "<6>attempt ended exit=3 job=01a\n<4>careful why=\"two\\nlines\"\n<3>bad\n<3>first <0>second\n", string(text))

	t.Setenv("JOURNAL_STREAM", "1:1") // it goes somewhere else
	require.NoError(t, out.Truncate(0))
	log = newLog(&settings.Settings{LogFormat: "auto"}, out)
	log.Info().Msg("hello")
	text, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), `"message":"hello"`)
}

// A person at a terminal gets times, words and colours; NO_COLOR takes the
// colours away, and a setting has it otherwise.
func TestTheLogIsReadableOnATerminal(t *testing.T) {
	terminal, out, err := pty.Open()
	require.NoError(t, err)
	defer terminal.Close()
	defer out.Close()
	lines := bufio.NewReader(terminal)
	says := func(s settings.Settings) string {
		log := newLog(&s, out)
		log.Warn().Str("job", "01a").Msg("careful")
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		return strings.TrimSpace(line)
	}
	t.Setenv("NO_COLOR", "")
	require.Contains(t, says(settings.Settings{LogFormat: "auto"}), "\x1b[")
	t.Setenv("NO_COLOR", "1")
	require.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d WRN careful job=01a$`, says(settings.Settings{LogFormat: "auto"}))
	require.Regexp(t, `^\{"level":"warn","job":"01a","time":".*","message":"careful"\}$`, says(settings.Settings{LogFormat: "json"}))
	require.Equal(t, "<4>careful job=01a", says(settings.Settings{LogFormat: "journal"}))
}

// Every line that concerns a job carries its id, so that one search finds all.
func TestEveryLineOfAJobCarriesItsID(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	jobs := map[string]bool{}
	for _, args := range [][]string{{"--steps", "5"}, {"--steps", "20", "--crash-at", "7"}, {"--steps", "100000", "--step-ms", "10"}} {
		job := h.train(args...)
		jobs[job.ID] = true
		if len(jobs) == 3 {
			h.until(job.ID, hasPoints)
			h.end(syscall.SIGKILL)
			h.start()
			_, err := h.Stop(t.Context(), job.ID)
			require.NoError(t, err)
		}
		h.wait(job.ID)
	}
	about := regexp.MustCompile(`"(attempt|step|pid|rank|phase|exit|checkpoint)":`)
	n := 0
	for line := range strings.Lines(h.said()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) != nil || fields["request"] != nil || !about.MatchString(line) {
			continue
		}
		id, _ := fields["job"].(string)
		require.True(t, jobs[id], line)
		n++
	}
	require.Greater(t, n, 15)
}
