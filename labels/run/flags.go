package run

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
)

// A flag is one row of the table that reads words into a Spec and writes a
// Spec back as words.
type flag struct {
	name  string   // long, without dashes
	short byte     // or 0
	also  []string // other long spellings
	field string   // of Spec, for findings and the manual
	takes string   // what the value is, for messages; empty for a boolean
	// set reads one value; a boolean gets "true" or "false".
	set func(s *Spec, value string, from Caller) error
	// words writes the field as canonical words; nil when another row does.
	words func(s *Spec) []string
	// refused says why the flag is known and yet not taken.
	refused string
}

func (f *flag) isBool() bool { return f.takes == "" }

// flagByName finds rows by long name or, of one byte, by short name.
var flagByName = sync.OnceValue(func() map[string]*flag {
	byName := map[string]*flag{}
	table := flagTable()
	for i := range table {
		f := &table[i]
		byName["--"+f.name] = f
		for _, name := range f.also {
			byName["--"+name] = f
		}
		if f.short != 0 {
			byName["-"+string(f.short)] = f
		}
	}
	return byName
})

// The constructors of rows. A row made by one of them writes "--name=value"
// unless spaced or shortened says otherwise.

func toggle(name string, short byte, field string, at func(*Spec) *bool) flag {
	word := "--" + name
	if short != 0 {
		word = "-" + string(short)
	}
	return flag{
		name: name, short: short, field: field,
		set: func(s *Spec, v string, _ Caller) (err error) {
			*at(s), err = parseBool(v)
			return err
		},
		words: func(s *Spec) []string {
			if *at(s) {
				return []string{word}
			}
			return nil
		},
	}
}

// inverted is a toggle that is on unless it is said to be off.
func inverted(name, field string, at func(*Spec) *bool) flag {
	return flag{
		name: name, field: field,
		set: func(s *Spec, v string, _ Caller) error {
			on, err := parseBool(v)
			*at(s) = !on
			return err
		},
		words: func(s *Spec) []string {
			if *at(s) {
				return []string{"--" + name + "=false"}
			}
			return nil
		},
	}
}

// value is a flag that holds one value of any type; the last one counts.
func value[T comparable](name string, short byte, field, takes string, at func(*Spec) *T,
	read func(string) (T, error), write func(T) string,
) flag {
	return flag{
		name: name, short: short, field: field, takes: takes,
		set: func(s *Spec, v string, _ Caller) (err error) {
			*at(s), err = read(v)
			return err
		},
		words: func(s *Spec) []string {
			var zero T
			if v := *at(s); v != zero {
				return []string{"--" + name + "=" + write(v)}
			}
			return nil
		},
	}
}

// optional is a value whose zero means something.
func optional[T any](name, field, takes string, at func(*Spec) **T,
	read func(string) (T, error), write func(T) string,
) flag {
	return flag{
		name: name, field: field, takes: takes,
		set: func(s *Spec, v string, _ Caller) error {
			n, err := read(v)
			*at(s) = &n
			return err
		},
		words: func(s *Spec) []string {
			if p := *at(s); p != nil {
				return []string{"--" + name + "=" + write(*p)}
			}
			return nil
		},
	}
}

// repeated is a flag that may be given many times.
func repeated[T any](name string, short byte, field, takes string, at func(*Spec) *[]T,
	read func(string) (T, error), write func(T) string,
) flag {
	return flag{
		name: name, short: short, field: field, takes: takes,
		set: func(s *Spec, v string, _ Caller) error {
			one, err := read(v)
			if err == nil {
				*at(s) = append(*at(s), one)
			}
			return err
		},
		words: func(s *Spec) []string {
			var words []string
			for _, one := range *at(s) {
				words = append(words, "--"+name+"="+write(one))
			}
			return words
		},
	}
}

func text(name string, short byte, field, takes string, at func(*Spec) *string) flag {
	return checked(name, short, field, takes, at, anyText)
}

func checked(name string, short byte, field, takes string, at func(*Spec) *string, check func(string) (string, error)) flag {
	return value(name, short, field, takes, at, check, same)
}

func texts(name string, short byte, field, takes string, at func(*Spec) *[]string, check func(string) (string, error)) flag {
	return repeated(name, short, field, takes, at, check, same)
}

func pairs(name string, short byte, field, takes string, at func(*Spec) *[]Pair,
	read func(string) (Pair, error), write func(Pair) string,
) flag {
	return repeated(name, short, field, takes, at, read, write)
}

func number(name string, short byte, field string, at func(*Spec) *int64) flag {
	return value(name, short, field, "a whole number", at, parseInt, formatInt)
}

func bytes(name string, short byte, field string, at func(*Spec) *int64) flag {
	return value(name, short, field, "a size such as 64m or 2g", at, parseSize, formatInt)
}

func span(name, field string, at func(*Spec) *time.Duration) flag {
	return value(name, 0, field, "a duration such as 30s or 1m30s", at, parseDuration, time.Duration.String)
}

func rates(name, field, takes string, at func(*Spec) *[]DeviceRate, read func(string) (DeviceRate, error)) flag {
	return repeated(name, 0, field, takes, at, read, func(r DeviceRate) string {
		return r.Path + ":" + strconv.FormatUint(r.Rate, 10)
	})
}

func namespace(name, field, takes string, at func(*Spec) *Namespace, modes ...string) flag {
	return value(name, 0, field, takes, at, func(v string) (Namespace, error) {
		return parseNamespace(v, modes)
	}, func(ns Namespace) string { return string(ns) })
}

// refuse is a flag that exists in an engine and is not taken from a label.
func refuse(name, takes, why string) flag {
	return flag{name: name, takes: takes, refused: why}
}

// alias gives a row other long spellings.
func (f flag) alias(names ...string) flag {
	f.also = names
	return f
}

// spaced writes the value as a word of its own after word.
func (f flag) spaced(word string) flag {
	prefix := len("--" + f.name + "=")
	joined := f.words
	f.words = func(s *Spec) []string {
		var words []string
		for _, w := range joined(s) {
			words = append(words, word, w[prefix:])
		}
		return words
	}
	return f
}

// written replaces how the row is written.
func (f flag) written(words func(s *Spec) []string) flag {
	f.words = words
	return f
}

func ulimits() flag {
	return repeated("ulimit", 0, "Ulimits", "a limit such as nofile=1024:4096",
		func(s *Spec) *[]Ulimit { return &s.Ulimits },
		func(v string) (Ulimit, error) {
			u, err := units.ParseUlimit(v)
			if err != nil {
				return Ulimit{}, err
			}
			return Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard}, nil
		},
		func(u Ulimit) string {
			return u.Name + "=" + formatInt(u.Soft) + ":" + formatInt(u.Hard)
		})
}

// Flags lists the flags of the table for the manual, in order of name.
func Flags() []FlagInfo {
	var infos []FlagInfo
	table := flagTable()
	for i := range table {
		f := &table[i]
		short := ""
		if f.short != 0 {
			short = "-" + string(f.short)
		}
		infos = append(infos, FlagInfo{Name: f.name, Short: short, Also: f.also, Field: f.field, Takes: f.takes, Refused: f.refused})
	}
	slices.SortFunc(infos, func(a, b FlagInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos
}

// FlagInfo describes one flag for people.
type FlagInfo struct {
	Name    string   // long, without dashes
	Short   string   // with its dash, or empty
	Also    []string // other long spellings
	Field   string   // of Spec; empty when refused
	Takes   string   // what the value is; empty for a boolean
	Refused string   // why it is not taken; empty when it is
}
