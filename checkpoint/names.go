package checkpoint

import (
	"path/filepath"
	"strconv"
	"strings"
)

// Kind is what a file in a checkpoint directory is, by its name.
type Kind string

// The kinds of files that trainings write.
const (
	// KindTraining is a checkpoint that a training can go on from:
	// PREFIX-EPOCH_STEP.ckpt. It holds epoch_num, step_num and loss_scale.
	KindTraining Kind = "training"
	// KindNetwork has the weights only: PREFIX-network.ckpt, with the step
	// in its name from mindformers 1.5 on.
	KindNetwork Kind = "network"
	// KindTrainable has the trainable weights only (LoRA).
	KindTrainable Kind = "trainable"
	// KindShard is a file of an iteration directory (mindformers 1.7 on).
	KindShard Kind = "shard"
	// KindWeights is any other .ckpt or .safetensors: what converters write.
	KindWeights Kind = "weights"
	// KindTemporary is a file that is being written, or was when its writer
	// died: X.tmp and, by the safetensors library, .tmpXXXXXX.
	KindTemporary Kind = "temporary"
	// KindStrategy is ckpt_strategy_rank_N.ckpt: protobuf, but no weights.
	KindStrategy Kind = "strategy"
	// KindGraph is PREFIX-graph.meta, the compiled graph.
	KindGraph Kind = "graph"
	// KindOther is everything else (meta.json).
	KindOther Kind = "other"
)

// Checkpoint says whether files of this kind hold tensors.
func (k Kind) Checkpoint() bool {
	switch k {
	case KindTraining, KindNetwork, KindTrainable, KindShard, KindWeights:
		return true
	}
	return false
}

// Name is what a checkpoint's file name says.
type Name struct {
	Kind Kind
	// Prefix is what stands before the rank: "tiny_llama" in
	// "tiny_llama_rank_0_1-2_24.ckpt".
	Prefix string
	// Rank is -1 where the name has none.
	Rank int
	// Run is the number that MindSpore adds to the prefix of a second
	// training in the same directory; 0 for the first.
	Run int
	// Epoch and Step are nil where the name has none.
	Epoch, Step *int64
	// Breakpoint marks what MindSpore saved while it failed.
	Breakpoint bool
	// Format is the extension, "" for temporary files and others.
	Format string
}

var (
	rankPattern     = lazily(`^(.*?)_?rank_(\d{1,9})(?:_(\d{1,9}))?$`)
	stepPattern     = lazily(`^(.*)-(\d{1,18})_(\d{1,18})(_breakpoint)?$`)
	kindPattern     = lazily(`^(.*)-(network|trainable_params)$`)
	shardPattern    = lazily(`^(?:.*-)?(?:model|opt)-\d{7}-\d{7}$`)
	strategyPattern = lazily(`^(?:ckpt|src|dst)?_?strat(?:eg)?e?y.*$`)
	libraryTemp     = lazily(`^\.tmp[A-Za-z0-9]{6}$`)
	rankDirPattern  = lazily(`^rank_(\d{1,9})$`)
	iterationDir    = lazily(`^iteration_(\d{8,18})$`)
)

// ParseName reads a file's name; directories before it do not count.
func ParseName(path string) Name {
	base := filepath.Base(path)
	n := Name{Kind: KindOther, Rank: -1, Prefix: base}
	switch ext := filepath.Ext(base); {
	case libraryTemp().MatchString(base):
		n.Kind = KindTemporary
		return n
	case ext == ".tmp":
		n.Kind = KindTemporary
		base = strings.TrimSuffix(base, ext)
	case ext == ".meta":
		n.Kind = KindGraph
		return n
	case ext == ".ckpt", ext == ".safetensors":
		n.Kind = KindWeights
		n.Format = ext[1:]
		base = strings.TrimSuffix(base, ext)
	default:
		return n
	}
	n.stem(base)
	return n
}

// stem reads a name without its extension.
func (n *Name) stem(s string) {
	kind := KindTraining
	n.Prefix = s
	if m := stepPattern().FindStringSubmatch(s); m != nil {
		n.Epoch, n.Step = number(m[2]), number(m[3])
		n.Breakpoint = m[4] != ""
		s = m[1]
	} else {
		kind = KindWeights
	}
	if m := kindPattern().FindStringSubmatch(s); m != nil {
		kind = KindNetwork
		if m[2] == "trainable_params" {
			kind = KindTrainable
		}
		s = m[1]
	}
	switch {
	case n.Format == FormatCkpt && n.Step == nil && strategyPattern().MatchString(s):
		kind = KindStrategy
	case shardPattern().MatchString(s):
		kind = KindShard
	}
	if m := rankPattern().FindStringSubmatch(s); m != nil {
		s = m[1]
		n.Rank, _ = strconv.Atoi(m[2])
		n.Run, _ = strconv.Atoi(m[3])
	}
	n.Prefix = s
	if n.Kind != KindTemporary {
		n.Kind = kind
	}
}

func number(s string) *int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// RankOf is the rank that a checkpoint belongs to: by its name, else by the
// nearest rank_N directory above it, else 0.
func RankOf(path string) int {
	if n := ParseName(path); n.Rank >= 0 {
		return n.Rank
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if m := rankDirPattern().FindStringSubmatch(filepath.Base(dir)); m != nil {
			rank, _ := strconv.Atoi(m[1])
			return rank
		}
		if parent := filepath.Dir(dir); parent == dir {
			return 0
		}
	}
}
