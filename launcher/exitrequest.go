package launcher

import (
	"os"
	"path/filepath"
)

// ExitVariable tells the processes of a run in which file a request to end
// will be: {"GracefulExit": 1}, as MindSpore's OnRequestExit takes it for its
// config_file. Trainings of a config look for it after each step, see
// ftd_train in the library of package recipe; a program of one's own may.
const ExitVariable = "FTD_EXIT_REQUEST"

const exitRequestFile = "exit_request.json"

// requestExit writes the request. It appears complete or not at all.
func (r *Run) requestExit() error {
	path := filepath.Join(r.dir, exitRequestFile)
	if err := os.WriteFile(path+".tmp", []byte(`{"GracefulExit": 1}`+"\n"), 0o640); err != nil {
		return errorf(CodeRunDirectory, "the request to end cannot be written: %w", err)
	}
	return os.Rename(path+".tmp", path)
}
