package launcher

import "strings"

// inheritable returns why the variable name is taken over from the
// environment that ftd was started in, or "" if it is not. Everything that is
// not known here stays behind: PYTHONHOME of another Python, BASH functions,
// notebook internals and the daemon's own settings have broken trainings.
func inheritable(name string) string {
	for _, r := range inherited {
		if prefix, isPrefix := strings.CutSuffix(r.name, "*"); isPrefix && strings.HasPrefix(name, prefix) || name == r.name {
			return r.why
		}
	}
	return ""
}

// inherited is the allow-list; a name that ends in * is a prefix.
var inherited = []struct{ name, why string }{
	{"HOME", "where programs keep settings and caches"},
	{"USER", "who runs the training"},
	{"LOGNAME", "who runs the training"},
	{"SHELL", "used by scripts"},
	{"PATH", "where programs are found"},
	{"LANG", "language and encoding"},
	{"LC_*", "language and encoding"},
	{"TZ", "time zone of the log"},
	{"TMPDIR", "where temporary files go"},
	{"XDG_*", "where programs keep settings and caches"},
	{"LD_LIBRARY_PATH", "where libraries are found, those of CANN among them"},
	{"LD_PRELOAD", "libraries that must be loaded first"},
	{"PYTHONPATH", "where Python modules are found"},
	{"http_proxy", "access to the network"},
	{"https_proxy", "access to the network"},
	{"no_proxy", "access to the network"},
	{"all_proxy", "access to the network"},
	{"HTTP_PROXY", "access to the network"},
	{"HTTPS_PROXY", "access to the network"},
	{"NO_PROXY", "access to the network"},
	{"ALL_PROXY", "access to the network"},
	{"SSL_CERT_FILE", "access to the network"},
	{"SSL_CERT_DIR", "access to the network"},
	{"REQUESTS_CA_BUNDLE", "access to the network"},
	{"ASCEND_*", "settings of the Ascend driver and CANN"},
	{"ASCENDC_*", "settings of the Ascend driver and CANN"},
	{"ASDOPS_*", "settings of the Ascend operator libraries"},
	{"ATB_*", "settings of the Ascend operator libraries"},
	{"ACL_*", "settings of CANN"},
	{"TOOLCHAIN_HOME", "settings of CANN"},
	{"TBE_IMPL_PATH", "settings of the operator compiler"},
	{"TE_*", "settings of the operator compiler"},
	{"TUNE_BANK_PATH", "settings of the operator compiler"},
	{"HCCL_*", "communication between cards"},
	{"NPU_*", "choice of cards"},
	{"RANK_*", "the place of this process among all"},
	{"DEVICE_ID", "choice of the card"},
	{"DEVICE_NUM", "choice of the card"},
	{"CUDA_VISIBLE_DEVICES", "choice of cards"},
	{"MS_*", "settings of MindSpore"},
	{"MINDSPORE_*", "settings of MindSpore"},
	{"GLOG_*", "MindSpore's own logging"},
	{"ENABLE_CELL_REUSE", "settings of mindformers"},
	{"ENABLE_LAZY_INLINE*", "settings of mindformers"},
	{"CHECKPOINT_DOWNLOAD_FOLDER", "mindformers: where it keeps weights that it downloads"},
	{"LOCAL_DEFAULT_PATH", "mindformers: where output goes"},
	{"LOG_MF_PATH", "mindformers: where logs go"},
	{"MF_*", "settings of mindformers"},
	{"MDS_*", "settings of mindformers"},
	{"STDOUT_DEVICES", "mindformers: which ranks print"},
	{"PLOG_REDIRECT_TO_OUTPUT", "mindformers: where logs go"},
	{"REGISTER_PATH", "mindformers: modules of the user"},
	{"CPU_AFFINITY", "binding to processors"},
	{"OMP_*", "threads of OpenMP"},
	{"GOMP_*", "threads of OpenMP"},
	{"KMP_*", "threads of OpenMP"},
	{"MKL_*", "threads of the mathematical libraries"},
	{"OPENBLAS_*", "threads of the mathematical libraries"},
	{"HF_*", "access to the model hub"},
	{"HUGGINGFACE_*", "access to the model hub"},
	{"MODELSCOPE_*", "access to the model hub"},
	{"OPENMIND_*", "access to the model hub"},
	{"TRANSFORMERS_*", "settings of transformers"},
	{"TOKENIZERS_PARALLELISM", "threads of the tokenizers"},
	{"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "which protobuf is used"},
	{"MA_*", "settings of ModelArts"},
	{"S3_*", "access to the object store of ModelArts"},
}
