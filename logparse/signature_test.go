package logparse_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// problems returns the ids of the errors in a text.
func problems(text string) []string {
	ids := []string{}
	for _, r := range records(text) {
		if r.Kind == logparse.KindProblem {
			ids = append(ids, r.Problem.Signature.ID)
		}
	}
	return ids
}

// examples are lines as programs print them, for each row of the table.
var examples = map[string][]string{
	"static-tls":                {"ImportError: /home/ma-user/anaconda3/envs/MindSpore/lib/python3.7/site-packages/torch/lib/libgomp-d22c30c5.so.1: cannot allocate memory in static TLS block"},
	"libstdcxx-too-old":         {"ImportError: /usr/lib/aarch64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by /env/lib/python3.9/site-packages/x.so)"},
	"library-missing":           {"ImportError: libascendcl.so: cannot open shared object file: No such file or directory"},
	"openmp-twice":              {"OMP: Error #15: Initializing libiomp5.so, but found libomp.so already initialized."},
	"protobuf-too-new":          {"TypeError: Descriptors cannot be created directly."},
	"libgl-missing":             {"ImportError: libGL.so.1: cannot open shared object file: No such file or directory"},
	"helper-package-missing":    {"ModuleNotFoundError: No module named 'tk'", "ModuleNotFoundError: No module named 'fastchat'", "ModuleNotFoundError: No module named 'mindpet.delta'"},
	"module-missing":            {"ModuleNotFoundError: No module named 'jieba'", "ModuleNotFoundError: No module named 'tkinter'"},
	"torch-before-mindspore":    {"RuntimeError: Not found op N9mindspore6kernel7pyboost6AddExtE on device CPU"},
	"device-target-unsupported": {"RuntimeError: Unsupported device target Ascend. This process only supports one of the ['CPU']. Please check whether the Ascend environment is installed and configured correctly,", "ValueError: For 'set_context', package type mindspore-gpu support 'device_target' type gpu or cpu, but got Ascend."},
	"register-path-missing":     {"OSError: When configuring the 'auto_map' automatic registration function, REGISTER_PATH must be specified. It is recommended"},
	"shard-needs-auto-parallel": {"AssertionError: Cell shard only supports auto parallel under PyNative mode."},
	"wrong-arguments":           {"run_mindformer.py: error: unrecognized arguments: --nonsense", "run_mindformer.py: error: the following arguments are required: --config"},
	"script-missing":            {"python: can't open file 'run_mindformer.py': [Errno 2] No such file or directory", "bash: line 1: msrun: command not found", "/bin/sh: 1: python3.9: not found", "bash: python：未找到命令"},
	"tool-missing": {"start.sh: line 3: npu-smi: command not found", "bash: npu-smi: command not found", "/bin/sh: 1: npu-smi: not found", "zsh: command not found: npu-smi",
		"bash: npu-smi: 未找到命令", "start.sh:行3: npu-smi：未找到命令", "bash: my-python: command not found"},
	"dataset-empty":           {"[ERROR] MindDataset: dataset files list is empty, check input dataset_files."},
	"dataset-missing":         {"ValueError: MindDataset: The file /nonexistent/x.mindrecord does not exist or permission denied!", "ValueError: ADGenDataLoader: /data/AdvertiseGen is not existed.", "ValueError: /data/AdvertiseGen is not existed.", "FileNotFoundError: No such file or directory: /data/wiki", "ValueError: No dataset file in /data/wiki"},
	"mindrecord-damaged":      {"RuntimeError: Invalid file, the size of mindrecord file: 0 is smaller than the lower limit: 8.", "Invalid file, the size of mindrecord file header is larger than the upper limit.", "[ERROR] Invalid file, failed to parse header content of file: h.mindrecord, please check correction of MindRecord File.", "RuntimeError: The input: h.mindrecord.db is not exists."},
	"dataset-columns":         {"[ERROR] Invalid data, column name: input_ids can not found in schema. Please check the 'column_list'."},
	"rows-differ":             {"[ERROR] Cannot batch tensors with different shapes in column 0. First element had shape <16>", "RuntimeError: Unexpected error. Inconsistent batch shapes, batch operation expect same shape for each data row"},
	"too-many-workers":        {"ValueError: num_parallel_workers exceeds the boundary between 1 and 2!"},
	"dataset-worker-died":     {"Dataset worker process 15190 was killed by signal: Killed. Main process will be terminated.", "RuntimeError: The GeneratorDataset subprocess worker may be killed or exit abnormally."},
	"mindrecord-exists":       {"[ERROR] Invalid file, mindrecord files already exist. Please check file path: /x.mindrecord."},
	"row-too-long":            {"ValueError: The length of input_ids 4100 exceeds the max_length 2049"},
	"checkpoint-not-found":    {"ValueError: /no/such/llama.ckpt is not a supported default model or a valid path to checkpoint, please select from ['llama_7b'].", "ValueError: /x/llama.ckpt is not existed, please check load_checkpoint in yaml and set a correct value.", "FileNotFoundError: The load_checkpoint must be correct, but get /x", "ValueError: Checkpoint does not exist: /x/iteration_00000020", "ValueError: checkpoint_path does not exist: /x", "FileNotFoundError: No '*.safetensors' files found in '/x'.", "ValueError: The value of load_checkpoint must be a folder or a file with suffix '.ckpt', but got /x.bin", "ValueError: For 'load_checkpoint', the checkpoint file: /no/such.ckpt does not exist, please check whether the 'ckpt_file_name' is correct."},
	"checkpoint-needed":       {"ValueError: if run status is finetune, load_checkpoint must be input"},
	"checkpoint-unreadable":   {"ValueError: Failed to read the checkpoint file /x.ckpt. May not have permission to read it", "ValueError: Failed to read the checkpoint file, the file name is /x.ckpt, crc check is failed.", "ValueError: The loaded parameter dict is empty after filter or specify", "ValueError: Fail to parse the input safetensors file: '/x.safetensors'.", "safetensors._safetensors_rust.SafetensorError: Error while deserializing header: header too large"},
	"checkpoint-mismatch":     {"Failed to combine the net and the parameters for param model.tok_embeddings.embedding_weight.", "the given config and weights in /x.ckpt are mismatched, and weights load failed", "RuntimeError: For 'load_param_into_net', a in the argument 'net' should have the same shape as a in the argument 'parameter_dict'."},
	"weights-download-failed": {"Connect error, please download https://hub.example/llama/open_llama_7b.ckpt to /data/downloads/llama/llama_7b.ckpt.", "The downloaded file is incomplete, please delete the local file and download it manually. Please download https://hub.example/x to ./checkpoint_download/glm/glm_6b.ckpt.", "https://hub.example/glm/glm_6b.ckpt is unconnected!"},
	"hub-unreachable":         {"OSError: We couldn't connect to 'https://hub.example' to load the files, and couldn't find them in the cached files.", "huggingface_hub.errors.LocalEntryNotFoundError: An error happened while trying to locate the file on the Hub", "requests.exceptions.ConnectionError: (MaxRetryError('HTTPSConnectionPool: Max retries exceeded with url: /x/config.json"},
	"tokenizer-missing":       {"huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/no/dir'. Use `repo_type` argument if needed.", "OSError: Can't load tokenizer for '/no/dir'.", "RuntimeError: NOT_FOUND: \"/no/tokenizer.model\": No such file or directory", "OSError: Not found: \"/no/tokenizer.model\": No such file or directory Error #2"},
	"tokenizer-damaged":       {"RuntimeError: INTERNAL: could not parse ModelProto from tokenizer.model", "RuntimeError: Internal: src/sentencepiece_processor.cc(1101) [model_proto->ParseFromArray(serialized.data(), serialized.size())]"},
	"resume-from-rank-dir":    {"ValueError: when input checkpoint file is rank dir, Please set use_parallel: True to enable distributed ckpt load."},
	"lfs-pointer":             {"_pickle.UnpicklingError: invalid load key, 'v'."},
	"disk-full":               {"OSError: [Errno 28] No space left on device", "OSError: [Errno 122] Disk quota exceeded: 'x'"},
	"shared-memory-full":      {"Unexpected bus error encountered in process: 12. Non-existent physical address. This might be caused by insufficient shared memory."},
	"too-many-files":          {"OSError: [Errno 24] Too many open files: '/data/x.mindrecord'"},
	"checkpoint-save-failed":  {"RuntimeError: Failed to save the checkpoint file /x.ckpt. Maybe don't have the permission to write files, or the disk space is insufficient and so on.", "Error saving checkpoint: the weights of rank 3 are missing"},
	"checkpoint-name-clash":   {"RuntimeError: Rename failed, can't find /x.tmp. The possible reason is that multi process have simultaneously modified a file."},
	"shape-mismatch":          {"ValueError: For 'Mul', x.shape and y.shape need to broadcast. The value of x.shape[-2]", "ValueError: For BatchMatMul, inputs shape cannot be broadcast on CPU/GPU, with x shape [const vector]{4}"},
	"parallel-layout":         {"ValueError: num_attention_heads (14) must be divisible by tensor_model_parallel_size (4)", "ValueError: batch_size should be divisible by dp. ", "RuntimeError: world_size (6) is not divisible by tensor_model_parallel_size (4)", "MatMul: The strategy is ((1, 3), (3, 1)), shape 16 cannot be divisible by strategy value 3", "ValueError: The parallel_config.data_parallel 16 should be less than device_num 8.", "ValueError: Number of layers (7) is not divisible by total stages (2)."},
	"cpu-op-unsupported":      {"Unsupported op [NPUGetFloatStatusV2] on CPU, Please confirm whether the device target setting is correct", "Select CPU operator[Reshape] fail! Unsupported data type!"},
	"kernels-package-missing": {"Cannot parse json for config file [/usr/local/Ascend/opp/built-in/op_impl/ai_core/tbe/kernel/config/ascend910b/x.json].", "AclNN_Runtime_Error(EZ9903): op does not has any binary."},
	"op-unsupported":          {"EZ3003: 2024-06-26-16:57:38.215.381 No supported Ops kernel and engine are found for [aclnnAddCustom1], optype [aclnnAddCustom].", "EZ3002: Optype [FooGrad] of Ops kernel [AIcoreEngine] is unsupported."},
	"compiler-hangs":          {"RuntimeError: Response is empty. For more details, please refer to this FAQ: x", "RuntimeError: Try to send request before Open()"},
	"call-depth":              {"RuntimeError: Exceed function call depth limit 1000, (function call depth: 1001, simulate call depth: 997)."},
	"cann-too-old":            {"RuntimeError: aclnnAllFiniteGetWorkspaceSize call failed, please check!"},
	"aicore-compile":          {"E80012: In op [Add], the number of attributes is wrong", "E5A0001: x E20001: y", "RuntimeError: ({'errCode': 'E80012', 'op_name': 'reduce_sum_d', 'param_name': 'x', 'min_value': 0}, 'In op, the num of dimensions of input/output[x] should be in the range of [0, 8]')", "TVMError: [EB0000] Check failed: need_nbits <= info->max_num_bits", "Single op compile failed, op: strided_slice_grad_d_1157509189447431479_0"},
	"device-oom":              {"RuntimeError: Memory not enough: alloc failed for kernel Default/MatMul, size 1073741824B", "Device(id:0) memory isn't enough and alloc failed, kernel name: Default/Concat-op0, alloc size: 94633984B."},
	"device-oom-request":      {"RuntimeError: Out of Memory!!! Request memory size: 1073741824B, Memory Statistic:", "RuntimeError: mindspore/ccsrc/a.cc:62 MallocDeviceMemory] Malloc device memory failed, size[32212254720], ret[207001], Device 6 may be other processes occupying this card", "rtMalloc execute failed, reason=[driver error:out of memory][FUNC:ReportError]"},
	"device-memory-setting":   {"RuntimeError: The Free or Total device HBM memory size: 31 GB, max_device_memory should be in range (0-31]GB"},
	"cann-out-of-memory":      {"EL0004: Failed to allocate memory. Possible Cause: Available memory is insufficient.", "Memory_Allocation_Failure(EL0019): x"},
	"device-busy":             {"EL0005: The resources are busy. Possible Cause: 1. The resources have been occupied.", "rtSetDevice failed: resources are busy"},
	"device-absent":           {"EL0001: device 9 is absent", "EL0002: invalid device id", "EE1001: The argument is invalid.Reason: Set device failed, invalid device, set device=8, valid device range is [0, 8)", "Call aclrtSetDevice failed, ret[107001]. Got device count[8] and device id[9], please check if device id is valid."},
	"device-open-failed":      {"[PID: 1] aclrtSetDevice failed, device 0, error 507033", "open device 0 failed, runtime result = 507033."},
	"old-process-alive":       {"EJ0001: Failed to initialize the HCCP process. Reason: Maybe the last training process is running."},
	"device-init-failed":      {"RuntimeError: Ascend kernel runtime initialization failed, device id: 0. The details refer to 'Ascend Error Message'."},
	"stream-timeout":          {"EE1002: Stream synchronize timeout", "rtStreamSynchronizeWithTimeout failed, runtime result = 507046"},
	"device-task-timeout":     {"fftsplus timeout, stream 3", "runtime result = 507048, reason=[fftsplus task timeout]"},
	"device-exception":        {"rtMemcpyAsync execute failed, reason=[vector core exception][FUNC:FuncErrorReason]", "Task fail infos task_id: 2, stream_id: 45, tid: 2420702, device_id: 0, retcode: 507011 ( model execute failed)"},
	"aicpu-failed":            {"AICPU Kernel task happen error, retCode=0x2a", "Aicpu kernel execute failed, device_id=0"},
	"hccl-env-invalid":        {"EI0001: Environment variable [HCCL_CONNECT_TIMEOUT] is invalid. Reason: x"},
	"hccl-argument":           {"EI0003: In [HcclAllReduce], value [x] is invalid"},
	"rank-table-invalid":      {"EI0004: The ranktable or rank is invalid,Reason:[x]."},
	"hccl-arguments-differ":   {"EI0005: The arguments for collective communication are inconsistent between ranks"},
	"hccl-memory":             {"EI0007: Failed to allocate resource [Notify]"},
	"cann-versions-differ":    {"EI0008: The CANN versions are inconsistent"},
	"hccl-transport":          {"EI0009: transport init failed", "EI0010: P2P failed"},
	"rank-table-config":       {"EI0014: rank table x", "Ranktable_Config_Error(EI0015): x", "EI0017: x"},
	"hccl-p2p-timeout":        {"EI9999: connected p2p timeout, timeout:120s.local logicDevid:0"},
	"hccl-connect-timeout":    {"EI0006: Getting socket times out. Reason: Remote Rank did not send the data in time.", "Communication_Error_Timeout(EI0006): Getting socket times out", "wait socket establish timeout, role[0]"},
	"hccl-timeout":            {"EI0002: The wait execution of the Notify register times out. Reason: The Notify register has not received the Notify record from remote rank"},
	"hccl-init-failed":        {"RuntimeError: Ascend collective communication initialization failed.", "errNo[0x0000000005000002]HcclCommInitRootInfo failed."},
	"scheduler-port-busy":     {"Failed to call bind, url: 127.0.0.1:18120 Address already in use"},
	"node-registered-twice":   {"Repeated registration node: 0"},
	"scheduler-unreachable":   {"Failed to connect to the meta server node url: 127.0.0.1:8118", "Failed to heartbeat to the meta server node: 127.0.0.1. Maybe it has exited"},
	"worker-failed":           {"Worker process 3793 exit with exception. Error code: -9."},
	"node-timed-out":          {"The node: 0 is timed out. It may exit with exception, please check this node's log."},
	"nodes-timed-out":         {"RuntimeError: The total number of timed out node is 2. Timed out node list is: [const vector]{0, 1}, worker 0 is the first one"},
	"collective-init-timeout": {"Execute function: CreateDeviceCommunicator timeout, this node id: 3 exit process"},
	"root-info-missing":       {"RuntimeError: Communicator of group hccl_world_group inited: failed. Result: Init communicator exception info: Failed to fetch the unique id of the collective lib from the meta server node. Maybe the root rank process of this group has exited"},
	"host-name-unknown":       {"RuntimeError: DNS resolution failed: [Errno -2] Name or service not known. Please check whether the correct host name is input."},
	"job-exited":              {"RuntimeError: Distributed job exited with exception. Please check logs in directory: /x."},
	"data-queue":              {"TDT Push data into device Failed, check the first error or more error"},
	"training-diverged": {"ValueError: The current value of loss is NaN, terminate training.", "ValueError: Invalid loss, terminate training.", "ValueError: loss is [nan], terminate training.",
		"ValueError: In epoch: 1 step: 2, loss is NAN or INF, training process cannot continue, terminating training.", "ValueError: There is nan in local_norm with value [nan], terminate training.",
		"ValueError: Current global norm [47.329006] of step 2 has been 2 consecutive times greater than threshold 3.0, stop training..."},
	"overflow-continues": {"RuntimeError: ('Dynamic loss scale Continuous overflow ', 1000, ' times, has exceeded maximum threshold.')"},
	"training-recovery":  {"RuntimeError: TREError occurred......", "RuntimeError: UCEError occured when execute", "RuntimeError: ForceStopError occured"},
	"host-memory": {"slurmstepd: error: Detected 1 oom_kill event in StepId=1054.0. Some of the step tasks have been OOM Killed.", "[2026-09-21T10:00:00.123] error: Detected 2 oom_kill events in StepId=7.0. Some of the step tasks have been OOM Killed.",
		"slurmstepd: error: Detected 1 oom-kill event(s) in StepId=14604003.batch cgroup. Some of your processes may have been killed by the cgroup out-of-memory handler.", "srun: error: o0616: task 0: Out Of Memory",
		"slurmstepd: error: StepId=7.batch exceeded memory limit (734003200 > 52428800), being killed", "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.",
		"[86520.4] Out of memory: Killed process 4711 (python) total-vm:9000000kB, anon-rss:8000000kB", "Memory cgroup out of memory: Killed process 4711 (python) total-vm:9kB", "Out of memory: Kill process 4711 (python) score 900 or sacrifice child",
		"Reason:       OOMKilled", "llama-worker-0   0/1     OOMKilled   0          5m", `"OOMKilled": true,`, `"reason": "OOMKilled"`},
	"host-memory-refused": {"MemoryError", "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 3.05 GiB for an array with shape (1, 2) and data type float32", "OSError: [Errno 12] Cannot allocate memory", "terminate called after throwing an instance of 'std::bad_alloc'"},
	"time-limit":          {"slurmstepd: error: *** JOB 10711368 ON c0617 CANCELLED AT 2026-09-30T16:00:24 DUE TO TIME LIMIT ***", "=>> PBS: job killed: walltime 3610 exceeded limit 3600", "TERM_RUNLIMIT: job killed after reaching LSF run time limit."},
	"job-cancelled":       {"slurmstepd: error: *** STEP 12.0 ON c0617 CANCELLED AT 2026-09-30T16:00:24 ***", "slurmstepd: error: *** JOB 12 ON c0617 CANCELLED AT 2026-09-30T16:00:24 DUE TO PREEMPTION ***"},
	"killed":              {"Killed", "run.sh: line 12:  4711 Killed                  python run_mindformer.py", "[1]+  4711 Killed                  python x.py"},
	"crashed":             {"Segmentation fault (core dumped)", "Fatal Python error: Segmentation fault", "free(): invalid pointer", "double free or corruption (!prev)", "malloc(): unsorted double linked list corrupted", "corrupted size vs. prev_size while consolidating", "run.sh: line 3: 99 Bus error               (core dumped) python x.py", "terminate called after throwing an instance of 'std::runtime_error'", "Aborted (core dumped)"},
	"interrupted":         {"KeyboardInterrupt"},
	"cann-error":          {"E40021: Failed to compile Op [BatchMatMul1]. (oppath: [x], optype: [BatchMatMul])", "EZ3001: Something else is wrong."},
	"cann-inner-error":    {"EZ9999: Inner Error!", "E19999: Inner Error, Please contact support engineer!"},
}

func TestEveryRowIsFound(t *testing.T) {
	for _, s := range logparse.Signatures().All() {
		lines := examples[s.ID]
		if s.ID == logparse.IDException {
			continue
		}
		require.NotEmpty(t, lines, s.ID)
		for _, line := range lines {
			require.Equal(t, []string{s.ID}, problems(line+"\n"), line)
			// As the end of a traceback, in its body, and as a record of its own.
			frames := "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n"
			if !strings.HasPrefix(line, "[") {
				require.Equal(t, []string{s.ID}, problems(frames+line+"\n"), line)
			}
			require.Equal(t, []string{s.ID}, problems(frames+"RuntimeError: see below\n\n----\n- Ascend Error Message:\n----\n"+line+"\n"), line)
			if s.ID == "killed" || s.ID == "crashed" {
				continue // the shell prints these, not a logger
			}
			record := "[ERROR] DEVICE(16158,fffe34f491e0,python):2023-12-29-12:03:03.764.629 [mindspore/ccsrc/a.cc:674] F] "
			require.Equal(t, []string{s.ID}, problems(record+line+"\n"), line)
			// A message of level INFO is no error, nor is source code.
			require.Empty(t, problems("2025-07-09 12:00:00,123 - mindformers - INFO - "+line+"\n"), line)
			require.Equal(t, []string{logparse.IDException}, problems(frames+"    raise ValueError(\""+line+"\")\nOddError: x\n"), line)
			if !s.Warnings {
				require.Empty(t, problems("[WARNING] DISTRIBUTED(3788,7f81a3299b80,python):2026-11-23-12:22:24.928.875 [m.cc:249] F] "+line+"\n"), line)
			}
		}
	}
	require.Len(t, examples, len(logparse.Signatures().All())-1, "an example without a row")
}

// Every row of the reference table must have a home: these are the words of
// its 57 numbers, in order.
func TestReferenceRows(t *testing.T) {
	for number, want := range []string{
		"hccl-env-invalid", "hccl-timeout", "hccl-argument", "rank-table-invalid", "hccl-arguments-differ", "hccl-connect-timeout", "hccl-memory",
		"cann-versions-differ", "hccl-transport", "rank-table-config", "hccl-p2p-timeout", "old-process-alive", "device-absent", "cann-out-of-memory",
		"device-busy", "stream-timeout", "cann-inner-error", "aicpu-failed", "device-open-failed", "device-task-timeout", "kernels-package-missing",
		"aicore-compile", "device-oom", "device-oom-request", "device-memory-setting", "static-tls", "device-init-failed", "hccl-init-failed", "data-queue",
		"scheduler-port-busy", "node-registered-twice", "scheduler-unreachable", "node-timed-out", "collective-init-timeout", "worker-failed",
		"checkpoint-save-failed", "checkpoint-name-clash", "checkpoint-unreadable", "training-diverged", "overflow-continues", "training-recovery",
		"cann-too-old", "dataset-empty", "dataset-missing", "mindrecord-exists", "checkpoint-not-found", "checkpoint-mismatch", "shape-mismatch",
		"cpu-op-unsupported", "resume-from-rank-dir", "checkpoint-needed", "helper-package-missing", "row-too-long", "register-path-missing",
		"torch-before-mindspore", "nodes-timed-out", "shard-needs-auto-parallel",
	} {
		require.NotNil(t, logparse.Signatures().Lookup(want), "row %d", number+1)
	}
}

func TestTableIsWhole(t *testing.T) {
	ids := map[string]bool{}
	word := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	chinese := func(s string) bool {
		return strings.IndexFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) }) >= 0
	}
	for _, s := range logparse.Signatures().All() {
		require.Regexp(t, word, s.ID)
		require.False(t, ids[s.ID], "%s twice", s.ID)
		ids[s.ID] = true
		require.NotEmpty(t, s.Source, s.ID)
		for _, lang := range []string{"", "en_GB.UTF-8", "C"} {
			cause, remedy := s.Text(lang)
			require.Equal(t, []string{s.Cause, s.Remedy}, []string{cause, remedy})
		}
		cause, remedy := s.Text("zh_CN.UTF-8")
		require.True(t, chinese(cause) && chinese(remedy), s.ID)
		require.False(t, chinese(s.Cause) || chinese(s.Remedy), s.ID)
	}
}

// MindSpore's own handler of SIGINT only warns, and ends the process.
func TestMindSporeSaysThatItWasInterrupted(t *testing.T) {
	require.Equal(t, []string{"interrupted"}, problems("epoch: 1 step: 93, loss is 0.1592130959033966\n"+
		"[WARNING] UTILS(6862,7f5e34eb6b80,python):2026-11-29-02:21:49.304.624 [mindspore/ccsrc/utils/signal_util.cc:73] DefaultIntHandler] Process 6862 receive the KeyboardInterrupt signal.\n"))
}

// Lines of healthy runs that hold words of errors.
func TestHarmlessLines(t *testing.T) {
	for _, text := range []string{
		"2026-11-23 12:20:53,001 - mindformers - WARNING - Network parameters are not loaded: ([], ['adam_m.weight'])\n",
		"[WARNING] DISTRIBUTED(1,7f8,python):2026-11-23-12:22:24.928.875 [m/compute_graph_node.cc:173] Register] Failed to connect to the meta server node url: 127.0.0.1:8118\n",
		"[WARNING] DISTRIBUTED(1,7f8,python):2026-11-23-12:22:24.928.875 [m/tcp_client.cc:76] Connect] Failed to connect to the tcp server : 127.0.0.1:8118, retry to reconnect(1/30)...\n",
		"{'auto_trans_ckpt': False,\n 'loss_scale': 65536,\n 'error': 'terminate',\n 'EL0005x': 1}\n",
		"2026-11-23 12:20:53,001 - mindformers - INFO - set 'REGISTER_PATH must be specified'\n",
		// A traceback that somebody caught and logged as a warning.
		"2026-11-23 12:20:53,001 - mindformers - WARNING - Traceback (most recent call last):\n  File \"x\"\nValueError: No space left on device\n\n2026-11-23 12:20:53,001 - mindformers - INFO - on we go\n",
		// What Python prints at its end, or when a log line was wrong.
		"Exception ignored in: <function Pool.__del__ at 0x7f>\nTraceback (most recent call last):\n  File \"x\", line 1\nTypeError: 'NoneType' object is not callable\n",
		"--- Logging error ---\nTraceback (most recent call last):\n  File \"x\", line 1\nTypeError: not all arguments converted\nCall stack:\n  File \"y\"\nMessage: 'x'\nArguments: (1,)\n",
		"epoch: 1 step: 5, loss is nan\n",
		"E50 is a number, and so is EA 12345\n",
		"trainer.py:3:1: E501: line too long\nE1101: no member\nE40021 of them\ne40021: x\nEpoch 40021: done\n",
		"[WARNING] GE(1,7f8,python):2026-11-23-12:22:24.928.875 [a.cc:1] F] E40021: tried again\n",
		"        \"OOMKilled\": false,\n'restart_on': ['OOMKilled']\nmemory.events: oom_kill 0\n",
		"/data/a: not found\nkey 'lr': not found\n",
	} {
		require.Empty(t, problems(text), text)
	}
}

// A second run in the same file may fail of the same fault again.
func TestRunsAreToldApart(t *testing.T) {
	run := "2026-11-23 12:22:42,936 - mindformers - INFO - Now Running Task is: text_generation, Model is: llama\n"
	fail := "Traceback (most recent call last):\n  File \"x\"\nOSError: No space left on device\n"
	over := "2026-11-23 12:22:48,227 - mindformers - INFO - .........Training Over!.............\n"
	require.Equal(t, []string{"disk-full", "disk-full"}, problems(run+fail+run+fail))

	summary := func(log string) *logparse.Summary {
		var s logparse.Summary
		for _, r := range records(log) {
			s.Add(&r)
		}
		return &s
	}
	s := summary(run + stepLine(1) + "\n" + over + run + stepLine(1) + "\n")
	require.False(t, s.Completed, "the newest run did not end")
	require.Equal(t, 2, s.Runs)
	require.EqualValues(t, 2, s.Steps)
	s = summary(run + stepLine(1) + "\n" + fail + run + stepLine(1) + "\n" + over)
	require.True(t, s.Completed)
	require.Len(t, s.Errors, 1)
}

func TestOwnSignatures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
- id: our-proxy
  literals: ["proxy refused"]
  pattern: 'proxy refused (\d+)'
  cause: the proxy
  remedy: ask us
- id: disk-full
  literals: ["No space left on device"]
  cause: our quota
  remedy: tidy up
`), 0o600))
	table, err := logparse.Signatures().WithFile(path)
	require.NoError(t, err)
	require.Len(t, table.All(), len(logparse.Signatures().All())+1)
	require.Equal(t, "our quota", table.Lookup("disk-full").Cause)
	require.Equal(t, "the proxy", table.Lookup("our-proxy").CauseZH, "one language serves for both")

	var got []string
	p := logparse.NewParser(logparse.WithTable(table))
	p.Feed([]byte("proxy refused 12\nproxy refused all\nOSError: No space left on device\n"), func(r *logparse.Record) {
		got = append(got, r.Problem.Signature.Cause)
	})
	require.Equal(t, []string{"the proxy", "our quota"}, got)

	for text, says := range map[string]string{
		"x: 1":                             "not a list",
		"- cause: x":                       "id is missing",
		"- id: a b\n  cause: x":            "one word",
		"- id: a\n  literals: [xx]":        "cause and remedy",
		"- id: a\n  cause: c\n  remedy: r": "literal",
		"- id: a\n  cause: c\n  remedy: r\n  literals: [x]":                "too short",
		"- id: a\n  cause: c\n  remedy: r\n  literals: [xx]\n  pattern: (": "pattern",
		"- id: a\n  colour: red":                                           "colour",
		"-":                                                                "id is missing",
	} {
		_, err := logparse.ReadSignatures([]byte(text))
		require.ErrorContains(t, err, says, text)
	}
	_, err = logparse.Signatures().WithFile(path + ".none")
	require.Error(t, err)
}

// A number like a code of the device is none where nothing speaks of an error.
func TestNumbersAreNoCodes(t *testing.T) {
	for _, line := range []string{"[[507011 507015 507035 507046 507048]]", "step 507046 of 600000", "Parameters: 507015"} {
		require.Empty(t, records(line+"\n"), line)
	}
}

// MindSpore before 2.0 says EXCEPTION where later ones say CRITICAL.
func TestLevelOfOlderMindSpore(t *testing.T) {
	r := only(t, "[EXCEPTION] GE(118114,ffff4effd1e0,python):2021-09-11-16:48:31.511.063 [mindspore/ccsrc/ge_runtime/runtime_model.cc:233] Run] Call rt api rtStreamSynchronize failed, ret: 507011\n")
	require.Equal(t, "device-exception", r.Problem.Signature.ID)
	require.Equal(t, "Call rt api rtStreamSynchronize failed, ret: 507011", r.Problem.Text)
	require.Equal(t, 2021, r.Time.Year())
}

// That a number does not go into another is said of many things.
func TestOtherDivisions(t *testing.T) {
	require.Equal(t, []string{"python-exception"}, problems("Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nValueError: height 5 is not divisible by 2\n"))
}

// What the helpers of CANN's compiler and of the dataset say when a training was
// ended is no error of it.
func TestHelpersOfTheCompilerAndTheDataset(t *testing.T) {
	require.Empty(t, problems("[ERROR] TBE Subprocess[task_distribute] raise error[], main process disappeared!\n"))
	const worker = "[ERROR] MD(15104,7f3b673c5b80,python):2026-11-29-05:47:24.098.599 [minddata/dataset/util/sig_handler.cc:324] SIGCHLDHandler] " +
		"Dataset worker process 15190 was killed by signal: %s. Main process will be terminated.\n"
	require.Empty(t, problems(fmt.Sprintf(worker, "Terminated")))
	require.Equal(t, []string{"dataset-worker-died"}, problems(fmt.Sprintf(worker, "Bus error")))
}

// Why a checkpoint could not be saved is told by the exception, not by the first
// line, which guesses.
func TestWhySavingFailed(t *testing.T) {
	s := summarize(t, "[CRITICAL] ME(14153:140325586938752,MainProcess):2026-11-29-05:45:51.796.000 [mindspore/train/serialization.py:478] "+
		"Failed to save the checkpoint file /x/m-2_1.ckpt. Maybe don't have the permission to write files, or the disk space is insufficient and so on.\n"+
		"Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\nOSError: [Errno 28] No space left on device\n")
	require.Equal(t, "disk-full", s.Cause().Signature.ID)
}
