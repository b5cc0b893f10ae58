// Package checkpoint says whether a file is a complete MindSpore checkpoint,
// what it holds, which checkpoint a training can go on from, which ones may be
// deleted and whether the disk will last.
//
// Complete is judged by bytes, never by a name or a date:
//
//   - [Verify] walks one file, by default its structure only: it reads a few
//     kilobytes per tensor and never the tensor, in constant memory. With
//     [Options.Deep] it reads everything, checks the CRC where there is one and
//     counts NaN and Inf. [Inspect] does the same and shows every tensor.
//   - [Watcher] finds checkpoints as a training makes them. MindSpore up to
//     2.3 writes under the final name, later ones rename; both are reported
//     once they are complete, and what a dead writer left behind by
//     [Watcher.Sweep].
//   - [Sets] puts the files of all ranks together, [ResumePoint] picks the
//     newest set that is complete for every rank.
//   - [Retention.Plan] and [Forecast] are pure functions over what was found.
//
// Two formats are read. "ckpt" is MindSpore's own: a concatenation of protobuf
// messages, one for each tensor (ckpt.go). "safetensors" is a JSON table of
// contents followed by the data (safetensors.go). The facts behind the rules
// were measured on files of MindSpore 2.0.0 and 2.7.0.
//
// # What cannot be seen
//
// A .ckpt that was cut exactly between two tensors is a valid shorter .ckpt,
// and MindSpore loads it without a word. A training checkpoint
// (PREFIX-EPOCH_STEP.ckpt) ends with epoch_num, step_num and loss_scale, so
// there the cut is seen; one that lost only what may follow these
// (global_batch_size, which mindformers writes from 1.6 on) and weights-only
// files need [Options.Like], an earlier file of the same model. What MindSpore's
// own ModelCheckpoint writes has no such tensors and is told by its name, which
// has no rank; it is whole when the optimizer's state, which comes last, is
// (stock.go). Changed bytes inside a tensor are seen only where the file has a
// CRC.
//
// # What MindSpore says
//
// MindSpore 2.0.0 and 2.7.0 were asked to load 12,500 damaged files: whatever
// they refused is not complete here, complex numbers and names of more than 1024
// characters in a .ckpt among it, which MindSpore writes and does not read; but the 8-bit floats of safetensors (F8_E4M3), which
// other programs write and later versions may read, are. What they load and this
// package calls incomplete: files cut between two tensors or before a CRC
// trailer, damaged ones of which protobuf skips what it does not know, and
// tensors without a name or data.
package checkpoint
