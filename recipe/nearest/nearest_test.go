package nearest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTo(t *testing.T) {
	names := []string{"convert", "weights", "train"}
	for word, want := range map[string]string{"wights": "weights", "TRAIN": "train", "zzzzzz": "", "": ""} {
		require.Equal(t, want, To(word, names), word)
	}
	for word, other := range map[string]string{"nosuch": "sec", "no": "nan", "live2": "idem", "list": "data"} {
		require.Empty(t, To(word, []string{other}), "most of %q is another word", word)
	}
	require.Equal(t, "重み", To("重", []string{"重み"}), "letters are counted, not bytes")
}

func TestRemedy(t *testing.T) {
	require.Equal(t, `did you mean "train"?`, Remedy("trian", []string{"weights", "train"}))
	require.Equal(t, "known are train, weights", Remedy("zzzzzzzz", []string{"weights", "train"}))
	require.Equal(t, "remove it: nothing can stand there", Remedy("x", nil))
}
