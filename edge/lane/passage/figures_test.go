package passage

import (
	"fmt"
	"testing"

	"lanewarden/drivers/driver/drivertest/documented"
)

// TestFigures: the documents state the figures by which passages are decided.
func TestFigures(t *testing.T) {
	documented.Require(t, "association.md",
		fmt.Sprintf("it is %.2f at most", maxInDoubt),
		fmt.Sprintf("an arrival below e^%g a second", surprise),
		fmt.Sprintf("(%g %% of ways are held up)", 100*queueing),
		fmt.Sprintf("more than %g s later than predicted", longHeld),
		fmt.Sprintf("all readings of the first %d vehicles; of the first %d", firstTaught, fewTaught),
		fmt.Sprintf("another vehicle came less than %g s before", closeOthers),
		fmt.Sprintf("%g s after the last station", afterLast),
		fmt.Sprintf("up to %g m on", watched),
		fmt.Sprintf("agree within %g s and lie %g s or more from most", ownSpread, ownOff),
		fmt.Sprintf("up to %g s before the front", tagAhead),
		fmt.Sprintf("a second detection by the same device, %g s later or more", again),
		fmt.Sprintf("with another vehicle behind within %g s", besideOthers),
		fmt.Sprintf("a reading more than %g standard deviations off", muchLater),
		fmt.Sprintf("keeps %g %% of the doubt", 100*lateDoubtLeft),
	)
	documented.Require(t, "passages.md",
		fmt.Sprintf("confidence is below %.2f", sure),
		fmt.Sprintf("New readings are told every %d s", tell),
		fmt.Sprintf("last %d,000 rows", restoreRows/1000),
		fmt.Sprintf("fewer than one run in %.0f would be so; of %d vehicles at least, of %d for a device", 1/muteChance, muteMin, muteNever),
	)
}
