package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"ftd/launcher/devices"
)

// cards asks npu-smi how the cards do and who holds them.
func cards(ctx context.Context, s *Subject) []Finding {
	smi := s.smi()
	if smi == nil {
		return s.withoutCards()
	}
	shot, err := s.cards(ctx, smi)
	var known *devices.Error
	switch {
	case errors.As(err, &known):
		return []Finding{{Level: Error, Found: say("%s", "%s", known.Message), Why: say("no training can use a card", "训练无法使用 NPU"), Remedy: say("%s", "%s", known.Remedy)}}
	case err != nil:
		return []Finding{{
			Level: Error, Found: say("npu-smi says: %v", "npu-smi 报告：%v", err), Why: say("no training can use a card", "训练无法使用 NPU"),
			Remedy: s.reset("ask the administrator to look at the driver; if it is broken", "请联系管理员检查驱动；若驱动已损坏"),
		}}
	}
	var findings []Finding
	for _, d := range shot.Devices {
		if !d.Healthy() {
			findings = append(findings, Finding{
				Level:  Error,
				Found:  say("card %d (%s) is in the state %s", "第 %d 张卡（%s）状态为 %s", d.Logical, d.Name, d.Health),
				Why:    say("trainings on it fail or hang", "在其上训练会失败或挂起"),
				Remedy: s.reset("use another card, or ask the administrator to reset this one; if neither is possible", "请改用其他卡，或联系管理员重置该卡；若都不可行"),
			})
		} else if use := d.InUse(); use != "" {
			findings = append(findings, Finding{
				Level: Warning,
				Found: say("card %d is in use: %s", "第 %d 张卡正被使用：%s", d.Logical, use),
				Why:   say("a training that starts on it ends with resources are busy, or out of memory", "在其上启动训练会报 resources are busy 或内存不足"),
				Remedy: say("wait, or end that process if it is a left-over of yours; ftd gives its trainings cards that are free",
					"请等待，或结束属于你的残留进程；ftd 会为训练分配空闲的卡"),
			})
		}
	}
	if len(findings) > 0 {
		return findings
	}
	return fine("%d cards, all healthy and free", "%d 张卡，均正常且空闲", len(shot.Devices))
}

// smi asks for the cards; nil where there is no npu-smi.
func (s *Subject) smi() *devices.SMI {
	if s.SMI != nil {
		return s.SMI
	}
	if path := devices.Find(); path != "" {
		return &devices.SMI{Path: path, Timeout: patience - time.Second} // it says better than [Check] what hangs
	}
	return nil
}

// withoutCards is for a config that wants a card on a machine that has none.
func (s *Subject) withoutCards() []Finding {
	c, err := s.config()
	if err != nil || c == nil || !strings.EqualFold(c.text("context.device_target"), "Ascend") {
		return nil
	}
	return []Finding{{
		Level:  Error,
		Found:  say("the config wants device_target Ascend, and there is no npu-smi", "配置要求 device_target 为 Ascend，但没有 npu-smi"),
		Why:    say("there is no card, or no driver", "没有 NPU 或没有驱动"),
		Remedy: say("use a machine with a card, or ftctl config patch %s --write context.device_target=CPU for a try with a tiny model", "请使用带 NPU 的机器；小模型试验可执行 ftctl config patch %s --write context.device_target=CPU", s.Config),
	}}
}
