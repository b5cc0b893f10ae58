// Package devices knows the accelerator cards of this machine: which there
// are, how they do, and who uses them.
//
// [SMI.Look] asks the driver's program npu-smi, bounded in time, for it is
// known to hang. [Parse] reads what it prints. The layout changes from driver
// to driver and from chip to chip: columns come and go and become wider, one
// card holds one chip or several, the table of processes came with driver
// 22.x and may have a column for containers. So cells are found by the names
// in the header above them, never by their position in a line.
//
// Three numbers name the same chip. The driver counts cards and the chips on
// each (NPU and Chip in the table). The logical id counts the chips that this
// machine or container can see, from 0; it is what ASCEND_RT_VISIBLE_DEVICES
// takes and what ftd calls a card. The physical id names the file
// /dev/davinciN, and differs from the logical one in a container that was
// given some of the cards only.
//
// [Holders] finds who holds those files without asking the driver, and
// [WaitFree] waits until cards that were used are free again.
package devices
