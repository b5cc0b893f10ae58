package checkpoint

import (
	"strings"
)

// A stock checkpoint is one of MindSpore's own ModelCheckpoint callback. It is
// called PREFIX-EPOCH_STEP like those of mindformers, but without a rank in the
// prefix, and none of the tensors with which mindformers ends a file follow its
// last. Where that is can be told from the optimizer's state, which comes last
// and which is a tensor for each trainable weight, for each of its kinds:
//
//	weights…, global_step, learning_rate, moment1.WEIGHT…, moment2.WEIGHT…
//
// measured on MindSpore 2.0.0 and 2.7.0 with Adam, AdamWeightDecay, SGD and
// Momentum.
type stock struct {
	weights map[string]bool // before global_step
	trained int             // of these, what an optimizer may change
	state   []stateKind
	after   bool // global_step was seen
	scaled  bool // a tensor of mindformers' own was seen
}

// stateKind counts the tensors of one kind of an optimizer's state.
type stateKind struct {
	prefix string
	count  int
}

// otherHalf names the kind of state that follows another.
var otherHalf = map[string]string{"moment1": "moment2", "adam_m": "adam_v", "lamb_m": "lamb_v"}

// maybeStock says whether a file's name allows it to be a stock checkpoint.
func (n *Name) maybeStock() bool { return n.Kind == KindTraining && n.Rank < 0 }

func (s *stock) add(t *Tensor) {
	switch {
	case t.Name == "global_step":
		s.after = true
	case t.Name == "scale_sense":
		s.scaled = true
	case !s.after:
		if s.weights == nil {
			s.weights = map[string]bool{}
		}
		if len(s.weights) == maxTensors {
			return
		}
		s.weights[t.Name] = true
		if !strings.HasSuffix(t.Name, "moving_mean") && !strings.HasSuffix(t.Name, "moving_variance") {
			s.trained++
		}
	default:
		s.addState(t.Name)
	}
}

func (s *stock) addState(name string) {
	prefix, weight, ok := strings.Cut(name, ".")
	if !ok || !s.weights[weight] {
		return
	}
	if n := len(s.state); n == 0 || s.state[n-1].prefix != prefix {
		s.state = append(s.state, stateKind{prefix: prefix})
	}
	s.state[len(s.state)-1].count++
}

// judge says what is missing of a stock checkpoint; ok is false where its
// tensors do not say whether it is one, and a whole one.
func (s *stock) judge(p *position) (missing error, ok bool) {
	if s.scaled || !s.after {
		return nil, false
	}
	if p.epoch != nil && p.step != nil { // append_info=["epoch_num", "step_num"], written last
		return nil, true
	}
	n := len(s.state)
	if n == 0 || p.epoch != nil {
		return nil, false
	}
	first, last := s.state[0], s.state[n-1]
	switch other := otherHalf[last.prefix]; {
	case last.count < first.count:
		return damagef("cut off between two tensors: the optimizer's state has %d of %d tensors %s.*",
			last.count, first.count, last.prefix), true
	case other != "":
		return damagef("cut off between two tensors: the optimizer's state has %s.*, but no %s.*", last.prefix, other), true
	case n > 1:
		return nil, true
	}
	return nil, last.prefix == "moments" && last.count == s.trained
}
