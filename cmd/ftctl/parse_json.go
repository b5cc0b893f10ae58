package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"ftd/logparse"
)

// recordLines prints one record a line, as JSON.
type recordLines struct{ *logReader }

func (v *recordLines) file(path string) error {
	return v.read(path, func(r *logparse.Record) { v.record(path, r) })
}

// record writes a record; with its file where there are several.
func (p *logReader) record(path string, r *logparse.Record) {
	data, err := json.Marshal(r)
	if err != nil {
		return // not possible: every number has a form in JSON
	}
	if p.several {
		name, _ := json.Marshal(path)
		p.w.WriteString(`{"file":`)
		p.w.Write(name)
		p.w.WriteByte(',')
		data = data[1:]
	}
	p.w.Write(data)
	p.w.WriteByte('\n')
}

// recordObjects prints an object for each file, with its records in an array.
type recordObjects struct{ *logReader }

func (v *recordObjects) begin() { openArray(v.logReader) }
func (v *recordObjects) end()   { closeArray(v.logReader) }

func (v *recordObjects) file(path string) error {
	opened := false
	several := v.several
	v.several = false // the object says which file it is
	defer func() { v.several = several }()
	open := func() {
		if opened {
			return
		}
		opened = true
		if v.files > 1 && several {
			v.w.WriteString(",\n")
		}
		name, _ := json.Marshal(path)
		fmt.Fprintf(v.w, `{"file":%s,"records":[`+"\n", name)
	}
	first := true
	err := v.read(path, func(r *logparse.Record) {
		open()
		if !first {
			v.w.WriteByte(',')
		}
		first = false
		v.record(path, r)
	})
	if err == nil {
		open() // a log without records
	}
	switch {
	case opened:
		v.w.WriteString("]" + errorField(err) + "}")
	case several:
		failedObject(v.logReader, path, err)
	}
	if !several {
		v.w.WriteByte('\n')
	}
	return err
}

// summaryObjects prints a summary for each file.
type summaryObjects struct{ *logReader }

func (v *summaryObjects) begin() { openArray(v.logReader) }
func (v *summaryObjects) end()   { closeArray(v.logReader) }

func (v *summaryObjects) file(path string) error {
	s, err := v.summarize(path)
	if err != nil {
		if v.several {
			failedObject(v.logReader, path, err)
		}
		return err
	}
	data, err := s.Localized(v.locale)
	if err != nil {
		return err
	}
	name, err := json.Marshal(path)
	if err != nil {
		return err
	}
	if v.several && v.files > 1 {
		v.w.WriteString(",\n")
	}
	rank := "null"
	if n, ok := logparse.RankOf(path); ok {
		rank = strconv.Itoa(n)
	}
	fmt.Fprintf(v.w, `{"file":%s,"rank":%s,%s`, name, rank, data[1:])
	if !v.several {
		v.w.WriteByte('\n')
	}
	return nil
}

func openArray(p *logReader) {
	if p.several {
		p.w.WriteString("[\n")
	}
}

func closeArray(p *logReader) {
	if p.several {
		p.w.WriteString("\n]\n")
	}
}

// failedObject stands in the array for a file that could not be read, so that
// it holds one object for each file.
func failedObject(p *logReader, path string, err error) {
	if p.files > 1 {
		p.w.WriteString(",\n")
	}
	name, _ := json.Marshal(path)
	fmt.Fprintf(p.w, `{"file":%s%s}`, name, errorField(err))
}

// errorField is the member "error" of an object, "" without an error.
func errorField(err error) string {
	if err == nil {
		return ""
	}
	data, _ := json.Marshal(asError(asLogError(err)))
	return `,"error":` + string(data)
}
