package motion

import (
	"fmt"
	"testing"

	"lanewarden/drivers/driver/drivertest/documented"
)

// TestFigures: the document states the parameters of what is learnt.
func TestFigures(t *testing.T) {
	documented.Require(t, "association.md",
		fmt.Sprintf("spread of the last %d ways", windowSize),
		fmt.Sprintf("Standard deviation: %g s, %g %% of the run", minSigma, 100*runSigma),
		fmt.Sprintf("Not learnt yet: %g s and %g %% of the run", unlearntSigma, 100*unlearntRunSigma),
		fmt.Sprintf("(prior %g %%, %g s)", 100*defaultHeldShare, defaultHeldMean),
		fmt.Sprintf("came within %g s of the one ahead", maxGap),
		fmt.Sprintf("share of the last %d vehicles that it saw, older ones fade; prior %g of %g", hitRateMemory, priorHits, priorTotal),
		fmt.Sprintf("(1 in %g vehicles)", 1/failureRate),
		fmt.Sprintf("tags of other lanes: learnt at each reader over some %g h, prior one in %g s",
			strayMemory/3600, strayPrior),
		fmt.Sprintf("largest difference of the last %d is the offset", clockWindow),
		fmt.Sprintf("the right ones lie within %g s", phaseWidth),
		fmt.Sprintf("one width holds %.0f %% more than any other", 100*(phaseMinRatio-1)),
		fmt.Sprintf("line through the last %d, without outliers", maxOffsets),
		fmt.Sprintf("at least %d reports, %g s apart", minStepped, burstGap),
		fmt.Sprintf("by %g over the last %d vehicles", correlationGain, maxPairs),
		fmt.Sprintf("loads of the last %d vehicles, by their length: kernel estimates, %g %% wide in length, %g %% in weight",
			maxSizes, 100*lengthWidth, 100*weightWidth),
		fmt.Sprintf("(%g s less is allowed)", fastSlack),
		fmt.Sprintf("else %g ± %g m", stoppedLength, stoppedSigma),
		fmt.Sprintf("vehicles longer than %g m", longestVehicle),
		fmt.Sprintf("Lengths are as measured, ± %g %%", 100*lengthSigma),
	)
}
