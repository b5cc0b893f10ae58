package recipe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The plans of the large recipes, in an empty home: what a person reads before
// anything is fetched.
func TestPlansOfTheLargeRecipes(t *testing.T) {
	for _, c := range []struct {
		name, recipe string
		vars         map[string]string
	}{
		{"llama-7b-lora", "llama-7b-lora", nil},
		{"llama-7b-lora-from-weights", "llama-7b-lora", map[string]string{
			"checkpoint": "", "weights": "https://example.org/llama-7b-hf.zip?X-Amz-Signature=secret", "keep_weights": "false", "second_python": "3.9"}},
		{"chatglm-6b-lora", "chatglm-6b-lora", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			s := h.settings()
			s.Env, s.Python, s.Places = "", "python", nil // the plan is the same on any machine
			r, err := Load(c.recipe)
			require.NoError(t, err)
			plans, err := Preview(t.Context(), job(h, r, c.vars), h, s)
			require.NoError(t, err)
			for i := range plans {
				plans[i].Outputs = nil
			}
			text, err := json.MarshalIndent(plans, "", " ")
			require.NoError(t, err)
			got := strings.ReplaceAll(string(text), h.dir, "HOME") + "\n"
			require.NotContains(t, got, "secret")
			file := filepath.Join("testdata", "plans", c.name+".json")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			require.Equal(t, read(t, file), got)
		})
	}
}

// Of a machine that is too small a plan says so, and goes on to the other steps.
func TestAPlanForAMachineThatIsTooSmall(t *testing.T) {
	h := newHost(t)
	for recipe, vars := range map[string]map[string]string{
		"chatglm-6b-lora": {"weights_size": "4000000000000000000"},
		"llama-7b-lora":   {"weights_size": "4000000000000000000", "checkpoint": "", "weights": "https://example.org/llama-7b-hf.zip", "seq_length": "64"},
	} {
		r, err := Load(recipe)
		require.NoError(t, err)
		plans, err := Preview(t.Context(), job(h, r, vars), h, h.settings())
		require.NoError(t, err)
		require.Len(t, plans, len(r.Steps))
		for _, p := range plans {
			switch p.ID {
			case "weights":
				require.Equal(t, CodeDiskFull, p.Problem.Code)
				require.Contains(t, p.Problem.Message, "the step weights needs 3.5 EiB, but there is no room for it: "+h.dir+" has ")
				require.Contains(t, p.Problem.Remedy, "name a larger place in the daemon's setting places")
			case "merge", "hf", "convert": // as large
			default:
				require.Nil(t, p.Problem, p.ID)
			}
			require.NotEmpty(t, p.Summary, p.ID)
		}
	}

	// An environment lies where it is told to.
	plans, err := Preview(t.Context(), job(h, parsed(t, `steps: [{id: e, uses: env, with: {python: "3.9", packages: [x], size: 4000000000000000000}}]`), nil), h, h.settings())
	require.NoError(t, err)
	require.Contains(t, plans[0].Problem.Message, "the step e needs 3.5 EiB")
	require.Equal(t, "make room, or let the step make it on a larger disk", plans[0].Problem.Remedy)
}

// What the rows of a MindRecord take is told before: about what they take then.
func TestAPlanOfRowsIsWhatTheyTake(t *testing.T) {
	mindspore(t)
	h := newHost(t)
	data := filepath.Join(h.dir, "adgen.json")
	// As long as the middle one of ADGen.
	line := `{"content": "` + strings.Repeat("类型#裙", 20) + `", "summary": "` + strings.Repeat("复古的裙子。", 13) + `"}`
	require.NoError(t, os.WriteFile(data, []byte(strings.Repeat(line+"\n", 2000)), 0o600))
	for _, family := range []string{"glm", "glm2"} {
		r := parsed(t, `steps:
  - {id: data, uses: data, with: {source: builtin:data/adgen-tiny.json}}
  - {id: tokenizer, uses: tokenizer, with: {adgen: "${steps.data.outputs.file}", vocab_size: 800, family: `+family+`}}
  - {id: adgen, uses: adgen, with: {data: adgen.json, tokenizer: "${steps.tokenizer.outputs.file}", source_length: 40, target_length: 40, family: `+family+`, by: ftd}}`)
		plans, err := Preview(t.Context(), job(h, r, nil), h, h.settings())
		require.NoError(t, err)
		h.run(job(h, r, nil))
		require.InEpsilon(t, taken(t, filepath.Dir(h.steps["adgen"].Outputs["file"])), plans[2].Disk, 0.7, family)
	}
}

// taken is what the files of a directory take on the disk: a MindRecord has holes.
func taken(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
	}
	return bytes
}
