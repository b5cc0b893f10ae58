package secret

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVariablesAreShownWithoutTheirSecrets(t *testing.T) {
	require.Nil(t, Vars(nil))
	require.Equal(t, map[string]string{
		"data":      "https://bucket.example.org/a.zip?***",
		"weights":   "https://***@example.org/w",
		"fragment":  "https://example.org/x?***",
		"hf_token":  "***",
		"token":     "",
		"tokenizer": "tokenizer.model",
		"monkey":    "1",
		"file":      "/data/what?.json",
	}, Vars(map[string]string{
		"data":      "https://bucket.example.org/a.zip?X-Amz-Signature=hidden&X-Amz-Expires=1",
		"weights":   "https://me:hidden@example.org/w",
		"fragment":  "https://example.org/x#token=hidden",
		"hf_token":  "hidden",
		"token":     "",
		"tokenizer": "tokenizer.model",
		"monkey":    "1",
		"file":      "/data/what?.json",
	}))
	require.Equal(t, `run curl "https://x.example/a?***" -o a`, Addresses(`run curl "https://x.example/a?Signature=hidden" -o a`))
}

func TestValuesAreShownByTheirNames(t *testing.T) {
	for _, c := range []struct{ name, value, shown string }{
		{"HF_TOKEN", "hf_abc", Mask},
		{"MODELSCOPE_API_TOKEN", "x", Mask},
		{"S3_SECRET_ACCESS_KEY", "x", Mask},
		{"S3_ACCESS_KEY_ID", "x", Mask},
		{"MA_PASSWORD", "x", Mask},
		{"HF_TOKEN", "", ""},
		{"TOKENIZERS_PARALLELISM", "false", "false"},
		{"MS_KEYS", "4", "4"},
		{"https_proxy", "http://me:geheim@proxy:3128", "http://" + Mask + "@proxy:3128"},
		{"https_proxy", "http://proxy:3128/a@b", "http://proxy:3128/a@b"},
		{"https_proxy", "http://geheim@proxy:3128", "http://" + Mask + "@proxy:3128"},
		{"file", "/here/https:/me:geheim@example.org/w?sig=geheim", "/here/https:/" + Mask + "@example.org/w?" + Mask},
		{"paths", "/a:/b/c@d:/e", "/a:/b/c@d:/e"},
		{"help", "see https://pip.example/topics/?#dealing-with-conflicts", "see https://pip.example/topics/?" + Mask},
		{"help", "see https://pip.example/topics/#dealing-with-conflicts, or ask", "see https://pip.example/topics/#dealing-with-conflicts, or ask"},
		{"file", "https://files.example/#F!geheim-geheim", "https://files.example/?" + Mask},
		{"PWD", "/home/me", "/home/me"},
		{"FTD_RUN_TOKEN", "abc", "abc"},
		{"slack", "https://hooks.example/services/T0/geheim", "https://hooks.example/services/" + Mask},
		{"channel", "https://conda.example/t/geheim/main", "https://conda.example/t/" + Mask + "/main"},
	} {
		require.Equal(t, c.shown, Value(c.name, c.value), "%s=%s", c.name, c.value)
	}
}
