package doctor

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The command is carried out as a person pastes it.
func TestVariablesAreTakenOutOfStartUpFiles(t *testing.T) {
	h := newHouse(t)
	s := h.subject("")
	require.Equal(t, "unset MS_ROLE", s.unset("MS_ROLE"))
	rc := h.file(".bashrc", "alias a=b\nexport RANK_TABLE_FILE=/x/y.json\n  MS_ROLE=MS_WORKER\nMY_MS_ROLE=1\nexport LD_PRELOAD=$LD_PRELOAD:/a/b/libgomp-d22c30c5.so.1\n")
	h.file(".profile", "# nothing\n")
	paste := func(command string) string {
		t.Helper()
		out, err := exec.Command("sh", "-ec", command).CombinedOutput()
		require.NoError(t, err, string(out))
		text, err := os.ReadFile(rc)
		require.NoError(t, err)
		return string(text)
	}
	command := s.unset("RANK_TABLE_FILE", "MS_ROLE")
	require.NotContains(t, command, ".profile")
	require.Contains(t, paste(command), "alias a=b\n# export RANK_TABLE_FILE=/x/y.json\n#   MS_ROLE=MS_WORKER\nMY_MS_ROLE=1\nexport LD_")
	require.Equal(t, "unset MS_ROLE", s.unset("MS_ROLE"), "what is a comment is mended")

	s.Start = []string{"LD_PRELOAD=/a/b/libgomp-d22c30c5.so.1"}
	f := h.finds(s, "preload", Warning, "libgomp")
	require.Contains(t, f.Remedy.EN, "sed -i")
	require.Contains(t, paste(s.comment(`^[^#]*LD_PRELOAD=.*libgomp-d22c30c5\.so\.1`)), "# export LD_PRELOAD=")
	require.Empty(t, s.comment(`^[^#]*LD_PRELOAD=`))
	require.Equal(t, "'"+filepath.Join("/a b", "it'\\''s")+"'", Quoted("/a b/it's"))
}

func TestLimitsOfProcesses(t *testing.T) {
	const head = "Limit                     Soft Limit           Hard Limit           Units     \n"
	require.Equal(t, OK, Worst(limitsIn([]byte(head+"Max processes             unlimited            unlimited            processes \nMax open files            1048576              1048576              files     \n"))))
	soft := limitsIn([]byte(head + "Max open files            64                   1048576              files     \n"))
	require.Contains(t, soft[0].Found.EN, "at most 64 (ulimit -n)")
	require.Contains(t, soft[0].Remedy.EN, "ulimit -n 65536")
	hard := limitsIn([]byte(head + "Max processes             100                  200                  processes \n"))
	require.Contains(t, hard[0].Remedy.EN, "the hard limit is 200")
	require.Contains(t, hard[0].Remedy.EN, "LimitNPROC=65536")

	// A Go program raises its own limit: what its children get counts.
	limits, err := exec.Command("sh", "-c", "ulimit -S -n 64 && exec "+os.Args[0]+" -test.run '^TestLimitsAreThoseOfChildren$' -test.v").CombinedOutput()
	require.NoError(t, err, string(limits))
	require.Contains(t, string(limits), "at most 64")
}

// TestLimitsAreThoseOfChildren says what it finds to the test above.
func TestLimitsAreThoseOfChildren(t *testing.T) {
	for _, f := range Examine(t.Context(), &Subject{}, "limits") {
		t.Log(f.Found.EN)
	}
}
