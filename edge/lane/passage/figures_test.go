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
		fmt.Sprintf("an arrival below e^%g a second with no name for it (e^%g or more)", surprise, knownByName),
		fmt.Sprintf("(%g %% of ways are held up)", 100*queueing),
		fmt.Sprintf("more than %g s later than predicted", longHeld),
		fmt.Sprintf("all readings of the first %d vehicles; of the first %d", firstTaught, fewTaught),
		fmt.Sprintf("another vehicle came less than %g s before", closeOthers),
		fmt.Sprintf("%g s after the last station", afterLast),
		fmt.Sprintf("up to %g m on", watched),
		fmt.Sprintf("taken for its own, %d at least, agree within %g s and lie %g s or more from most",
			minOwn, ownSpread, ownOff),
		fmt.Sprintf("up to %g s before the front", tagAhead),
		fmt.Sprintf("a second detection by the same device, %g s later or more", again),
		fmt.Sprintf("with another vehicle behind within %g s", besideOthers),
		fmt.Sprintf("a reading more than %g standard deviations off", muchLater),
		fmt.Sprintf("keeps %g %% of the doubt", 100*lateDoubtLeft),
		fmt.Sprintf("± %g s of a device's own clock, %g s once vehicles have told it, %g s at a station to which a person",
			ownDoubt, knownDoubt, broughtDoubt),
		fmt.Sprintf("such times are %g ± %g s late", lateLag, lateDoubt),
		fmt.Sprintf("vehicles tell that it is more than %g s off", otherVehicle),
		fmt.Sprintf("last %d times at most are compared with vehicles that came within %g s of them", maxTimes, timelyReach),
		fmt.Sprintf("of them, within %g s where reports come late", lateReach),
		fmt.Sprintf("decided when its time is %g s and the longest recent delay", settle),
	)
	documented.Require(t, "passages.md",
		fmt.Sprintf("confidence is below %.2f", sure),
		fmt.Sprintf("New readings are told every %d s", tell),
		fmt.Sprintf("last %d,%03d rows of devices, of %d,%03d rows at most",
			restoreRows/1000, restoreRows%1000, restoreMost/1000, restoreMost%1000),
		fmt.Sprintf("more than %g s before the last one of which anything was said, and are not among the %d before it",
			decidedAfter, decidedRows),
		fmt.Sprintf("more than %g s before it, and are not among the last %d", believedAfter, believedRows),
		fmt.Sprintf("A detection waits %g s for what happened before it", hold),
		fmt.Sprintf("more than %g s after what it reports", lateAfter),
		fmt.Sprintf("as reports were late lately, %g s at most", maxDelay),
		fmt.Sprintf("when it comes, %g s and %g s later", reportSoon, reportLast),
		fmt.Sprintf("within %g s of it, at a device to which a person goes up to %g s before", reachRow, reachPerson),
		fmt.Sprintf("more than %g s apart are decided apart", farApart),
		fmt.Sprintf("while it is among the last %d. Of scans and images %d names are remembered.", maxVehicles, maxLinks),
		fmt.Sprintf("Lists show the last %d passages", maxShown),
		fmt.Sprintf("fewer than one run in %.0f would be so; of %d vehicles at least, of %d for a device", 1/muteChance, muteMin, muteNever),
	)
}
