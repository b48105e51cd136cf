package detection

import (
	"fmt"
	"strings"
	"testing"

	"lanewarden/drivers/driver/drivertest/documented"
)

// TestFigures: the document states what names count.
func TestFigures(t *testing.T) {
	signed := func(v float64) string { return strings.Replace(fmt.Sprintf("%+g", v), "-", "−", 1) }
	documented.Require(t, "association.md",
		fmt.Sprintf("same %s (short names less), plate one character off %s, two %s, another %s",
			signed(sameName), signed(nearPlate), signed(farPlate), signed(otherPlate)),
		fmt.Sprintf("container one off %s, another %s", signed(nearNumber), signed(otherNumber)),
		fmt.Sprintf("another tag %s", signed(otherTag)),
	)
}
