package installed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// A document is the content of the file. What is not changed keeps its bytes,
// but for white space.
type document map[string]json.RawMessage

// A record is an install as the file has it, with fields that are not ours.
type record map[string]json.RawMessage

// parse reads a file. One without content is empty.
func parse(data []byte) (document, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return document{}, nil
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("byte %d: not UTF-8", validPrefix(data))
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("byte %d: %w", offset(err), err)
	}
	if doc == nil {
		doc = document{}
	}
	return doc, nil
}

// validPrefix gives the length of the part before the first byte that is not
// UTF-8.
func validPrefix(data []byte) int {
	n := 0
	for n < len(data) {
		r, size := utf8.DecodeRune(data[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

// offset finds where a document is wrong.
func offset(err error) int64 {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return syntax.Offset
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return kind.Offset
	}
	return 0
}

// encode writes with four spaces and sorted keys, as the original does.
func (d document) encode() ([]byte, error) { return marshal(d, "    ") }

// marshal leaves raw messages as they are; json.Marshal would escape <, > and
// & in them.
func marshal(v any, indent string) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return out.Bytes(), err
}

func (d document) keys() []string { return slices.Sorted(maps.Keys(d)) }

// list gives what is recorded under a key. The oldest files have a single
// object there instead of a list.
func (d document) list(key string) ([]json.RawMessage, error) {
	value := d[key]
	switch {
	case len(value) == 0, string(value) == "null":
		return nil, nil
	case value[0] == '{':
		return []json.RawMessage{value}, nil
	case value[0] != '[':
		return nil, fmt.Errorf("the value of %q is neither a list nor an object", key)
	}
	var list []json.RawMessage
	err := json.Unmarshal(value, &list)
	return list, err
}

// setList replaces what is recorded under a key; nothing takes the key away.
func (d document) setList(key string, list []json.RawMessage) error {
	if len(list) == 0 {
		delete(d, key)
		return nil
	}
	value, err := marshal(list, "")
	d[key] = bytes.TrimSpace(value)
	return err
}

// entries gives the installs recorded under a key. What is none is skipped.
func (d document) entries(key string) []Entry {
	list, err := d.list(key)
	if err != nil {
		return nil
	}
	var entries []Entry
	for _, raw := range list {
		if rec, ok := asRecord(raw); ok {
			entries = append(entries, rec.entry())
		}
	}
	return entries
}

// asRecord reads one element of a list.
func asRecord(raw json.RawMessage) (record, bool) {
	var rec record
	err := json.Unmarshal(raw, &rec)
	return rec, err == nil && rec != nil
}

// entry gives the fields that are ours. The oldest files have the image's ID
// in another one.
func (r record) entry() Entry {
	text := func(field string) (s string) {
		if json.Unmarshal(r[field], &s) != nil {
			return ""
		}
		return s
	}
	e := Entry{ID: text("id"), ContainerName: text("container_name"), InstallDate: text("install_date")}
	if e.ID == "" {
		e.ID = text("install_id")
	}
	return e
}

// set replaces the fields that are ours.
func (r record) set(e Entry) (json.RawMessage, error) {
	for field, value := range map[string]string{
		"id": e.ID, "container_name": e.ContainerName, "install_date": e.InstallDate,
	} {
		raw, err := marshal(value, "")
		if err != nil {
			return nil, err
		}
		r[field] = raw
	}
	return marshal(r, "")
}

// spelling gives the key under which the image is recorded already, or key.
func (d document) spelling(key string) string {
	if _, ok := d[key]; ok {
		return key
	}
	for _, k := range d.keys() {
		if normal(k) == normal(key) {
			return k
		}
	}
	return key
}

// add records an install in a copy of the document.
func (d document) add(key string, e Entry) (document, error) {
	key = d.spelling(key)
	list, err := d.list(key)
	if err != nil {
		return nil, err
	}
	rec := record{}
	i := slices.IndexFunc(list, func(raw json.RawMessage) bool {
		old, ok := asRecord(raw)
		return ok && old.entry().is(e)
	})
	if i >= 0 {
		rec, _ = asRecord(list[i])
	}
	raw, err := rec.set(e)
	if err != nil {
		return nil, err
	}
	if i >= 0 {
		list[i] = raw
	} else {
		list = append(list, raw)
	}
	d = maps.Clone(d)
	return d, d.setList(key, list)
}

// remove forgets an install under all its keys, in a copy of the document.
func (d document) remove(f Found) (document, error) {
	d = maps.Clone(d)
	for _, key := range f.Keys {
		list, err := d.list(key)
		if err != nil {
			return nil, err
		}
		before := len(list)
		list = slices.DeleteFunc(list, func(raw json.RawMessage) bool {
			rec, ok := asRecord(raw)
			return ok && rec.entry().is(f.Entry)
		})
		if len(list) == before {
			continue
		}
		if err := d.setList(key, list); err != nil {
			return nil, err
		}
	}
	return d, nil
}
