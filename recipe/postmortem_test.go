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
