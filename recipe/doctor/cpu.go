package doctor

import (
	"context"
	"strings"
)

// onCPU looks for what a training without a card cannot do: kernels that are
// there for cards only (measured with MindSpore 2.0.0 and 2.7.0).
func onCPU(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil || !strings.EqualFold(c.text("context.device_target"), "CPU") {
		return nil
	}
	const model = "model.model_config."
	var why []string
	var settings []string
	for _, key := range []string{"compute_dtype", "param_init_type", "layernorm_compute_type", "softmax_compute_type", "rotary_dtype"} {
		if strings.EqualFold(c.text(model+key), "bfloat16") {
			why = append(why, key+" bfloat16")
			settings = append(settings, model+key+"=float32")
		}
	}
	for _, key := range []string{model + "use_flash_attention", model + "fused_rms_norm", "runner_config.sink_mode"} {
		if c.truth(key) {
			why = append(why, key[strings.LastIndexByte(key, '.')+1:])
			settings = append(settings, key+"=false")
		}
	}
	if len(why) == 0 {
		return fine("nothing that only a card can do", "没有只有 NPU 才支持的设置")
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("device_target is CPU, with %s", "device_target 为 CPU，但使用了 %s", strings.Join(why, ", ")),
		Why:    say("there are kernels for cards only: Unsupported op … on CPU, or Unsupported data type", "只有 NPU 有相应的算子：Unsupported op … on CPU 或 Unsupported data type"),
		Remedy: s.patch(settings...),
	}}
}
