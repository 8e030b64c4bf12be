// Command gen writes the pages of the manual for man(1), from their Markdown
// in docs: go run ./docs/gen OUTPUT. Each goes into the folder of its section,
// as in OUTPUT/man1/atomic.1.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./docs/gen OUTPUT")
		os.Exit(2)
	}
	if err := generate("docs", os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "gen: %v\n", err)
		os.Exit(1)
	}
}

// generate writes a page for each file NAME.SECTION.md in source.
func generate(source, output string) error {
	pages, err := filepath.Glob(filepath.Join(source, "*.[1-9].md"))
	if err != nil {
		return err
	}
	if len(pages) == 0 {
		return errors.New("no pages of the manual in " + source)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		dir := filepath.Join(output, "man"+strings.TrimPrefix(filepath.Ext(name), "."))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), md2man.Render(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
