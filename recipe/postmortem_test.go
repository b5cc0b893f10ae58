package recipe

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// With a dataset sink, or after a resume, lines are no count of steps.
func TestTheEndNamesTheStepAndNotTheLines(t *testing.T) {
	log := filepath.Join(t.TempDir(), "rank_0.log")
	require.NoError(t, os.WriteFile(log, []byte("epoch: 1 step: 65, loss is 0.013\nepoch: 1 step: 70, loss is 0.108\n"), 0o600))
	p, _ := diagnose(t.Context(), log, "the training was ended by SIGKILL")
	require.Equal(t, "the training was ended by SIGKILL after step 70; its log says no reason", p.Message)
}

// CANN logs its catch-all before the code that says what is wrong.
func TestTheEndIsOfTheCodeThatSaysMost(t *testing.T) {
	log := filepath.Join(t.TempDir(), "rank_0.log")
	require.NoError(t, os.WriteFile(log, []byte("[ERROR] X(1,7f,p):2026-03-01-12:00:01.000.000 [a.cc:1] F] EZ9999: Inner Error!\n"+
		"[ERROR] X(1,7f,p):2026-03-01-12:00:02.000.000 [a.cc:1] F] EI0002: times out\n"), 0o600))
	p, _ := diagnose(t.Context(), log, "the training ended with status 1")
	require.Equal(t, "hccl-timeout", p.Code)
}

// A shell says that a process was killed before the batch system says why.
func TestTheEndIsOfTheReasonThatIsToldLate(t *testing.T) {
	log := filepath.Join(t.TempDir(), "rank_0.log")
	require.NoError(t, os.WriteFile(log, []byte("start.sh: line 3: npu-smi: command not found\nstart.sh: line 9: 4711 Killed    python run.py\n"+
		"slurmstepd: error: Detected 1 oom_kill event in StepId=12.batch. Some of the step tasks have been OOM Killed.\n"), 0o600))
	p, _ := diagnose(t.Context(), log, "the training ended with status 137")
	require.Equal(t, "host-memory", p.Code)
}
