package logparse

import "bytes"

// announcement is a message by which the program says what it does now. The
// order of these differs between versions, so each one stands for itself;
// only the first step says that compiling has ended.
type announcement struct {
	words string // the message's first words, without the dots before them
	phase Phase
}

// announcements by the first byte of their words, which the parser looks at first.
var announcements = func() (table [256][]announcement) {
	for _, a := range []announcement{
		{"Now Running Task is", PhaseStarting},
		{"host_name:", PhaseStarting},
		{"Build context config", PhaseStarting},
		{"Trainer Init Success", PhaseStarting},
		{"Build Dataset For", PhaseLoading},
		{"Create train dataset finish", PhaseLoading},
		{"Create training dataset finish", PhaseLoading},
		{"Will be Training epochs", PhaseLoading},
		{"dataset skip ", PhaseLoading},
		{"Start load resume context from checkpoint", PhaseLoading},
		{"Build Net For", PhaseLoading},
		{"Network Parameters:", PhaseLoading},
		{"Build Optimizer For", PhaseLoading},
		{"Build Running Wrapper From Config For", PhaseLoading},
		{"Build Callbacks For", PhaseLoading},
		{"Starting Init Train Model", PhaseLoading},
		{"Begin to load ckpt", PhaseLoading},
		{"Start resume training from checkpoint", PhaseLoading},
		{"Start load checkpoint", PhaseLoading},
		{"Start load distributed checkpoint", PhaseLoading},
		{"Start Load Checkpoint", PhaseLoading},
		{"Distribute load is success", PhaseLoading},
		{"Time spent unifying safetensors", PhaseLoading},
		{"Time spent building the model", PhaseLoading},
		{"Time spent compiling the model", PhaseLoading},
		{"Network parameters are not loaded", PhaseLoading},
		// The second of the two is what the static graph says of its own model.
		{"Building model from config", PhaseLoading},
		{"Building model", PhaseCompiling},
		{"Loading config from yaml file", PhaseStarting},
		{"Current world size", PhaseStarting},
		{"Applying parallelism to model", PhaseLoading},
		{"Building dataset from config", PhaseLoading},
		{"Building optimizer and lr_scheduler from config", PhaseLoading},
		{"Loading checkpoint from: ", PhaseLoading},
		{"Model Compiling, Please Wait", PhaseCompiling},
		{"Starting Training Model", PhaseCompiling},
		{"Begin to compile train network", PhaseCompiling},
		{"Start compiling '", PhaseCompiling},
		{"Starting Evaluate Model", PhaseEvaluating},
	} {
		table[a.words[0]] = append(table[a.words[0]], a)
	}
	return table
}()

// undecorated removes the dots and equals signs around a title.
func undecorated(b []byte) []byte {
	i := 0
	for i < len(b) && (b[i] == '.' || b[i] == '=' || b[i] == ' ') {
		i++
	}
	return b[i:]
}

// announced looks a message up among the announcements.
func announced(b []byte) (Phase, bool) {
	if len(b) == 0 {
		return "", false
	}
	for _, a := range announcements[b[0]] {
		if hasAt(b, 0, a.words) {
			return a.phase, true
		}
	}
	return "", false
}

// fromTool recognises what the converters and the preprocessing print. They
// have nothing to report, but their output is a log all the same.
func fromTool(b []byte) bool {
	for _, words := range [...]string{"Trying to convert huggingface checkpoint", "processing parameter:",
		"Convert huggingface checkpoint finished", "Transform finished"} {
		if hasAt(b, 0, words) {
			return true
		}
	}
	return false
}

// milestone handles a message that tells a phase, a save or the end, and
// reports whether it was one.
func (p *Parser) milestone(msg []byte) bool {
	msg = undecorated(msg)
	if len(msg) == 0 {
		return false
	}
	switch msg[0] {
	case 'S':
		if hasAt(msg, 0, "Saving ckpt") {
			p.enter(PhaseSaving)
			p.rec.Save = Save{}
			p.put(KindSave)
			return true
		}
		if hasAt(msg, 0, "Start to save checkpoint as new format") {
			p.enter(PhaseSaving)
			p.rec.Save = Save{What: SaveIteration}
			p.put(KindSave)
			return true
		}
	case 'F':
		if parseSaved(msg, &p.rec.Save) {
			p.put(KindSave)
			p.enter(p.resumed())
			return true
		}
	case 'E':
		if hasAt(msg, 0, "Evaluate Over!") && !p.steps { // nothing but an evaluation
			p.enter(PhaseExiting)
			return true
		}
		if hasAt(msg, 0, "Evaluate Over!") || hasAt(msg, 0, "Eval result:") {
			p.enter(p.resumed())
			return true
		}
	case 'P':
		if hasAt(msg, 0, "Predict Over!") {
			p.enter(PhaseExiting)
			return true
		}
	case 'T':
		// The second is what the pynative trainer of master says.
		if hasAt(msg, 0, "Training Over!") || hasAt(msg, 0, "Training completed.") {
			p.end()
			return true
		}
	case 'O':
		if hasAt(msg, 0, "Only_save_strategy is True") {
			p.enter(PhaseExiting)
			return true
		}
	case 'C', 's':
		if hasAt(msg, 0, "set train process early stop at") {
			p.enter(PhaseExiting)
			return true
		}
		if parseIteration(msg, &p.rec.Save) {
			p.put(KindSave)
			p.enter(p.resumed())
			return true
		}
	case 'g':
		if hasAt(msg, 0, "global_batch_size: ") {
			return p.setting(SettingGlobalBatch, msg, 19)
		}
	case 'N':
		if hasAt(msg, 0, "Now Running Task is") {
			p.restart()
		}
	}
	phase, ok := announced(msg)
	if !ok {
		p.known = p.known || fromTool(msg)
		return false
	}
	// Once steps were seen, loading and starting words belong to something the
	// training does on the way (an evaluation's dataset, say), not to its start.
	if p.steps && (phase == PhaseLoading || phase == PhaseStarting) {
		return true
	}
	p.enter(phase)
	return true
}

// end notes that the program says the training is over.
func (p *Parser) end() {
	p.put(KindEnd)
	p.ended = true
	p.enter(PhaseExiting)
}

// restart notes that another run begins in the same file: programs append to
// info.log, and a person may append to a captured output.
func (p *Parser) restart() {
	p.steps, p.ended, p.monitor = false, false, monitor{}
	p.problems.forget()
}

// resumed is the phase that follows a save or an evaluation.
func (p *Parser) resumed() Phase {
	switch {
	case p.ended:
		return PhaseExiting
	case p.steps:
		return PhaseTraining
	}
	return p.phase
}

// enter changes the phase, and tells it when it is another one.
func (p *Parser) enter(phase Phase) {
	if phase == p.phase {
		return
	}
	p.phase = phase
	p.rec.Phase = phase
	p.put(KindPhase)
}

// parseSaved reads "Finish saving ckpt of epoch 1 step 20 using 0.004 seconds".
func parseSaved(b []byte, out *Save) bool {
	const head = "Finish saving "
	if !hasAt(b, 0, head) {
		return false
	}
	rest := b[len(head):]
	of := bytes.Index(rest, []byte(" of epoch "))
	if of < 0 {
		return false
	}
	s := Save{Finished: true}
	switch string(rest[:of]) {
	case "ckpt":
		s.What = "ckpt"
	case "network":
		s.What = "network"
	case "trainable_params":
		s.What = "trainable_params"
	default:
		s.What = text(rest[:of], 64)
	}
	epoch, i, ok := readInt(rest, of+10)
	if !ok || !hasAt(rest, i, " step ") {
		return false
	}
	step, i, ok := readInt(rest, i+6)
	if !ok {
		return false
	}
	s.Epoch, s.Step = epoch, step
	if hasAt(rest, i, " using ") {
		s.Seconds, _, _ = readFloat(rest, i+7)
	}
	*out = s
	return true
}

// parseIteration reads how r1.8 and master tell that a checkpoint in the new
// format is finished: "successfully sync saved checkpoint from step '20' to
// 'DIR'." and, in pynative mode, "Checkpoint saved at step 20 to DIR".
func parseIteration(b []byte, out *Save) bool {
	for _, head := range [...]string{"successfully sync saved checkpoint from step '",
		"successfully async saved checkpoint from step '", "Checkpoint saved at step "} {
		if !hasAt(b, 0, head) {
			continue
		}
		step, _, ok := readInt(b, len(head))
		*out = Save{Finished: true, What: SaveIteration, Step: step}
		return ok
	}
	return false
}
