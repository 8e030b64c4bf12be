package run

// Argv writes the Spec as the words that follow "run", options in the order of
// the flag table. Parse reads them back into the same Spec.
func (s Spec) Argv() []string {
	var words []string
	for _, f := range flagTable() {
		if f.words != nil {
			words = append(words, f.words(&s)...)
		}
	}
	if s.Image == "" {
		return words
	}
	return append(append(words, s.Image), s.Args...)
}
