package doctor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// longestRow bounds what is read of a file whose first line may be all of it.
const longestRow = 1 << 20

// adgenRows looks at the first row of a file for ADGenDataLoader, which takes
// each line for one JSON object with the two origin_columns (mindformers r0.6
// to r1.3.0, adgen_dataloader.py).
func (c *config) adgenRows(file string) []Finding {
	row, whole, err := firstRow(file)
	switch {
	case !whole:
		return fine("%s", "%s", file)
	case err != nil:
		return data(Error, say("the first line of %s is no JSON object", "%s 的第一行不是 JSON 对象", file),
			say("ADGenDataLoader reads one row from each line; the training ends once its data is read", "ADGenDataLoader 每行读取一条数据；训练会在读取数据时结束"),
			say(`write one JSON object a line, in UTF-8: {"content": "...", "summary": "..."}`, `请改为每行一个 JSON 对象（UTF-8）：{"content": "...", "summary": "..."}`))
	}
	columns := []string{"content", "summary"}
	if named, ok := c.at("train_dataset.data_loader.origin_columns").([]any); ok && len(named) == len(columns) {
		for i, name := range named {
			columns[i] = fmt.Sprint(name)
		}
	}
	columns = slices.DeleteFunc(columns, func(name string) bool { return row[name] != nil })
	if missing := strings.Join(columns, ", "); missing != "" {
		return data(Error, say("%s has no column %s", "%s 没有列 %s", file, missing),
			say("the training ends once its data is read: KeyError", "训练会在读取数据时报 KeyError 并结束"),
			say("rename the columns of the data, or name its own in train_dataset.data_loader.origin_columns (mindformers 0.7 and later)", "请重命名数据的列，或在 train_dataset.data_loader.origin_columns 中写明（mindformers 0.7 及以后）"))
	}
	return fine("%s", "%s", file)
}

// firstRow reads the first line; whole is false of one that is too long to be
// judged, and begins as it should.
func firstRow(file string) (row map[string]any, whole bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, true, err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, longestRow)).ReadString('\n')
	if err != nil && line == "" {
		return nil, true, err
	}
	if len(line) == longestRow && strings.HasPrefix(line, "{") {
		return nil, false, nil
	}
	err = json.Unmarshal([]byte(line), &row)
	return row, true, err
}
