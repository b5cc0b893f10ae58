package mirror

import (
	"encoding/json"
	"net/http"
)

// LFS offers large files by the batch protocol below path, which is the
// address of a repository; behave is how the files themselves are given out.
func (s *Server) LFS(path string, contents [][]byte, behave ...Behaviour) {
	known := map[string]int{}
	for _, content := range contents {
		oid := Sum(content)
		known[oid] = len(content)
		s.Add(path+"/objects/"+oid, content, behave...)
	}
	s.Add(path+"/info/lfs/objects/batch", nil, func(_ *Server, w http.ResponseWriter, r *http.Request, _ int, _ []byte) bool {
		s.batch(w, r, path, known)
		return true
	})
}

type lfsObject struct {
	OID     string         `json:"oid"`
	Size    int            `json:"size"`
	Actions map[string]any `json:"actions,omitempty"`
	Error   map[string]any `json:"error,omitempty"`
}

func (s *Server) batch(w http.ResponseWriter, r *http.Request, path string, known map[string]int) {
	const kind = "application/vnd.git-lfs+json"
	var asked struct {
		Operation string      `json:"operation"`
		Objects   []lfsObject `json:"objects"`
	}
	if r.Method != http.MethodPost || r.Header.Get("Accept") != kind || r.Header.Get("Content-Type") != kind ||
		json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Operation != "download" {
		http.Error(w, `{"message": "this is no batch request"}`, http.StatusUnprocessableEntity)
		return
	}
	for i, o := range asked.Objects {
		if size, ok := known[o.OID]; !ok || size != o.Size {
			asked.Objects[i].Error = map[string]any{"code": http.StatusNotFound, "message": "Object does not exist"}
			continue
		}
		asked.Objects[i].Actions = map[string]any{"download": map[string]any{
			"href":   s.URL + path + "/objects/" + o.OID,
			"header": map[string]string{"X-Ticket": o.OID[:8]},
		}}
	}
	w.Header().Set("Content-Type", kind)
	_ = json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": asked.Objects})
}
