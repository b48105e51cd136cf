package openapi

import (
	"bytes"
	"fmt"
	"os"

	"lanewarden/edge/api"
)

// Check holds a file against the document of a table, or writes it anew. It is for tests.
func Check(file string, info Info, operations []api.Operation, root string, update bool) error {
	want, err := Document(info, operations, root)
	if err != nil {
		return err
	}
	if update {
		return os.WriteFile(file, want, 0o644)
	}
	have, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		const text = "%s is not what the table of operations says: run this test with -update, and look at the difference"
		return fmt.Errorf(text, file)
	}
	return nil
}
