package checkpoint

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// saveIteration writes what mindformers 1.7 does with use_legacy_format False,
// but for the tracker.
func saveIteration(t *testing.T, root string, n, cards int) string {
	t.Helper()
	dir := filepath.Join(root, fmt.Sprintf("iteration_%08d", n))
	header := `{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	storage := ""
	for card := range cards {
		for _, kind := range []string{"model", "opt"} {
			name := fmt.Sprintf("%s-%07d-%07d.safetensors", kind, card, cards)
			write(t, dir, name, safetensors(header, 8))
			storage += fmt.Sprintf(`,"%s%d": [{"file_name": %q, "storage_rank": %d}]`, kind, card, name, card)
		}
	}
	if cards > 1 {
		write(t, dir, "metadata.json", []byte(`{"state_dict_metadata": {}, "storage_data": {`+storage[1:]+`}}`))
	}
	write(t, dir, "common.json", fmt.Appendf(nil, `{"epoch_num": 1, "step_num": %d, "global_step": %d, "loss_scale": null, "global_batch_size": 4}`, n, n))
	return dir
}

func track(t *testing.T, root, content string) {
	write(t, root, "latest_checkpointed_iteration.txt", []byte(content))
}

func TestVerifyIteration(t *testing.T) {
	verify := func(dir string) Verdict {
		v, err := Verify(context.Background(), dir, Options{Deep: true})
		require.NoError(t, err)
		return v
	}
	for _, cards := range []int{1, 4} {
		root := t.TempDir()
		dir := saveIteration(t, root, 20, cards)
		require.Equal(t, "saving it has not finished: there is no latest_checkpointed_iteration.txt beside it", verify(dir).Reason)
		track(t, root, "")
		require.Contains(t, verify(dir).Reason, "holds no number")
		track(t, root, "10")
		require.Contains(t, verify(dir).Reason, "latest_checkpointed_iteration.txt says 10")
		track(t, root, "20\n")
		v := verify(dir)
		require.True(t, v.Complete, v.Reason)
		require.Equal(t, 2*cards, v.Tensors)
		require.Equal(t, int64(20), *v.GlobalStep)
		require.Equal(t, int64(1), *v.Epoch)
		require.Equal(t, &Deep{CRC: CRCNone}, v.Deep)
		track(t, root, "40")
		require.True(t, verify(dir).Complete, "an earlier iteration stays complete")
		require.Equal(t, "iteration_00000020", resume(t, root, 0))
		require.Equal(t, "iteration_00000020", resume(t, root, cards))

		shard := filepath.Join(dir, fmt.Sprintf("opt-%07d-%07d.safetensors", cards-1, cards))
		b, err := os.ReadFile(shard)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(shard, b[:len(b)-1], 0o600))
		require.Contains(t, verify(dir).Reason, filepath.Base(shard)+": cut off")
		require.NoError(t, os.Remove(shard))
		if cards > 1 {
			require.Equal(t, filepath.Base(shard)+" is missing", verify(dir).Reason)
			require.NoError(t, os.Remove(filepath.Join(dir, "metadata.json")))
			require.Equal(t, filepath.Base(shard)+" is missing", verify(dir).Reason, "the names say how many there are")
			require.Equal(t, "", resume(t, root, 0))
		}
	}
}

func TestVerifyDamagedIteration(t *testing.T) {
	for what, test := range map[string]struct{ file, content, reason string }{
		"common.json cut":       {"common.json", `{"epoch_num": 1`, "common.json is not whole"},
		"metadata.json cut":     {"metadata.json", `{"storage_data": {`, "metadata.json is not whole"},
		"metadata.json goes on": {"metadata.json", `{"storage_data": {}} {}`, "goes on after its end"},
		"metadata.json a list":  {"metadata.json", `[]`, "metadata.json is not whole"},
		"no data is no object":  {"metadata.json", `{"storage_data": []}`, "metadata.json is not whole"},
		"metadata.json crooked": {"metadata.json", `{"state_dict_metadata": {"w": {"dtype": }}, "storage_data": {}}`, "metadata.json is not whole"},
		"an endless entry":      {"metadata.json", `{"state_dict_metadata": {"w": "` + strings.Repeat("x", 17<<20) + `"}}`, "more than 16777216 bytes of one tensor"},
		"metadata.json abroad":  {"metadata.json", `{"storage_data": {"w": [{"file_name": "../../x"}]}}`, "not in its directory"},
		"a file that is named":  {"metadata.json", `{"storage_data": {"w": [{"file_name": "model-0000009-0000010.safetensors"}]}}`, "model-0000009-0000010.safetensors is missing"},
	} {
		root := t.TempDir()
		dir := saveIteration(t, root, 20, 2)
		track(t, root, "20")
		write(t, dir, test.file, []byte(test.content))
		v, err := Verify(context.Background(), dir, Options{})
		require.NoError(t, err, what)
		require.False(t, v.Complete, what)
		require.Contains(t, v.Reason, test.reason, what)
	}
	dir := filepath.Join(t.TempDir(), "iteration_00000020")
	require.NoError(t, os.Mkdir(dir, 0o755))
	v, err := Verify(context.Background(), dir, Options{})
	require.NoError(t, err)
	require.Equal(t, "it holds no safetensors file", v.Reason)
	_, err = Verify(context.Background(), filepath.Join(t.TempDir(), "iteration_00000020"), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Of a model with many experts on many cards metadata.json is large, which is no
// damage and takes no memory.
func TestLargeMetadata(t *testing.T) {
	root := t.TempDir()
	dir := saveIteration(t, root, 20, 2)
	track(t, root, "20")
	f, err := os.Create(filepath.Join(dir, "metadata.json"))
	require.NoError(t, err)
	w := bufio.NewWriter(f)
	entry := `{"properties": {"dtype": "Float32"}, "layout": "` + strings.Repeat("x", 1<<20) + `"}`
	w.WriteString(`{"state_dict_metadata": {"w0": ` + entry)
	for i := range 65 {
		fmt.Fprintf(w, `, "w%d": %s`, i+1, entry)
	}
	w.WriteString(`}, "storage_data": {"('w', (0,))": [{"file_name": "model-0000000-0000002.safetensors", "storage_rank": 0, "rank_group": [0, 1]}]}}`)
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	v, err := Verify(context.Background(), dir, Options{})
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.True(t, v.Complete, v.Reason)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
}

// An iteration is reported once, when the tracker names it; one whose writer
// was killed is reported by the sweep.
func TestWatcherReportsIterations(t *testing.T) {
	root := t.TempDir()
	w := newWatcher(t, WatchOptions{Interval: time.Nanosecond, Settle: time.Nanosecond}, root)
	saveIteration(t, root, 20, 2)
	for range 3 {
		found, err := w.Poll(context.Background())
		require.NoError(t, err)
		require.Empty(t, found)
	}
	track(t, root, "20")
	found := settle(t, w)
	require.Equal(t, []string{"iteration_00000020 true"}, paths(found))
	require.Empty(t, settle(t, w))
	saveIteration(t, root, 40, 2)
	found = sweep(t, w)
	require.Equal(t, []string{"iteration_00000040 false"}, paths(found))
	require.Contains(t, found[0].Reason, "says 20")

	// After a restart of this program it is known again.
	opt := fast
	opt.Seen = func(path string, size int64, modified time.Time) bool {
		v, err := Verify(context.Background(), path, Options{})
		require.NoError(t, err)
		return v.Bytes == size && v.Modified.Equal(modified)
	}
	require.Empty(t, sweep(t, newWatcher(t, opt, root)))
}
