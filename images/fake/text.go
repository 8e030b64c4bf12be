package fake

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/projectatomic/atomic/images"
)

// String is the whole state of the engine as text, for tests to compare: an
// image with its names and labels, a container with its state and what it was
// made of, in the words of run. Images come before containers, and both in the
// order of their names. IDs, times and PIDs are left out.
//
//	image web:latest
//		RUN=docker run --name NAME IMAGE
//	container web exited 3
//		--name web web httpd -f
func (e *Engine) String() string {
	w := e.world
	w.mu.Lock()
	defer w.mu.Unlock()
	var blocks []string
	for _, img := range w.images {
		blocks = append(blocks, w.imageText(img))
	}
	slices.Sort(blocks)
	for _, c := range w.sorted() {
		blocks = append(blocks, c.text())
	}
	return strings.Join(blocks, "")
}

func (w *world) imageText(img *image) string {
	var b strings.Builder
	names := strings.Join(w.imageNames(img), " ")
	fmt.Fprintf(&b, "image %s\n", first(names, strings.Join(img.digests, " "), "without a name"))
	labels := img.config.Config.Labels
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "\t%s=%s\n", k, labels[k])
	}
	return b.String()
}

func (c *container) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "container %s %s", c.name, c.state)
	if c.state == images.Exited {
		fmt.Fprintf(&b, " %d", c.exit)
	}
	b.WriteString("\n\t")
	for i, word := range c.spec.Argv() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quoted(word))
	}
	b.WriteByte('\n')
	return b.String()
}

// quoted quotes a word that could be taken for another or for several.
func quoted(word string) string {
	if word == "" || strings.ContainsAny(word, " \t\n\"'\\$`") {
		return fmt.Sprintf("%q", word)
	}
	return word
}
