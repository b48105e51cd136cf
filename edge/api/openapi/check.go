package openapi

import (
	"bytes"
	"fmt"
	"os"

	"lanewarden/edge/api"
)

// Check compares a file with the document of a table of operations, or with update writes it anew.
// It is for tests: root is the folder of the module's source as seen from the test.
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
