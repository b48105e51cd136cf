package associate

import (
	"fmt"
	"math"
	"testing"

	"lanewarden/drivers/driver/drivertest/documented"
)

// TestFigures: the document states the parameters of the association.
func TestFigures(t *testing.T) {
	documented.Require(t, "association.md",
		fmt.Sprintf("%d nodes a detection are kept, and none that is less likely than the best by e^%g.", beam, pruneAt),
		fmt.Sprintf("after %g s, or when %d detections are undecided", patience, maxLayers),
		fmt.Sprintf("all hypotheses but %g %% agree", 100*disagreement),
		fmt.Sprintf("%g %% is unexplained", 100*unexplained),
		fmt.Sprintf("%g %% of reports are told twice", 100*repeatedShare),
		fmt.Sprintf("%g %% of vehicles are seen at two moments", 100*secondMomentShare),
		fmt.Sprintf("%g %% turn back, within %g s", 100*turnBackShare, turnBackMean),
		fmt.Sprintf("some %g s from one to the next", outboundMean),
		fmt.Sprintf("costs e^%.1f", math.Log(overtakeProbability)),
		fmt.Sprintf("another one is %g %% of that", 100*notLastShare),
		fmt.Sprintf("%g %% of the lane's own, %g %% of the neighbour's", 100*faintOwn, 100*faintOther),
		fmt.Sprintf("the neighbour's %g dB less", neighbourLoss),
		fmt.Sprintf("costs e^%g at most", maxGhostCost),
		fmt.Sprintf("%g %% of errors are %g times as wide", 100*wideShare, wideRatio),
		fmt.Sprintf("%g ± %g m, as it moves", spaceGap, spaceSigma),
		fmt.Sprintf("except in %g %% of cases", 100*holeShare),
		fmt.Sprintf("at %g times its speed", overSpeed),
		fmt.Sprintf("vehicles that came %g s late or more", queuedDelay),
		fmt.Sprintf("heard first %g m before the antenna", heardAhead),
		fmt.Sprintf("beside it (± %g s), else length over speed (± %g s", besideSigma, lengthTimeSigma),
		fmt.Sprintf("nearly surely (%g %%)", 100*stoodBefore),
		fmt.Sprintf("a device within %g m of it", tagFar),
		fmt.Sprintf("a second scan is %g %%", 100*secondScan),
		fmt.Sprintf("%g s after the last station", exitDwell),
		fmt.Sprintf("A detection whose posterior is below %g", certain),
		fmt.Sprintf("those of at least %g of the probability", minWeight),
		fmt.Sprintf("through %d such vehicles at most", maxMissedAhead),
		fmt.Sprintf("%g s apart on the mean; at %g %% a device reads another name",
			secondMomentMean, 100*otherNameShare),
		fmt.Sprintf("of two containers %g s later on the mean", twinContainerMean),
		fmt.Sprintf("up to %g m behind their front", longVehicle),
		fmt.Sprintf("%g a second are of no vehicle that others saw, the time of %g %% says nothing, within %d h,",
			falseAlarmRate, 100*untimedShare, untimedWithin/3600),
		fmt.Sprintf("and %d vehicles in a row are passed over", maxSkipped),
		fmt.Sprintf("the neighbour's %g dB less, ± %g dB", neighbourLoss, levelSigma),
		fmt.Sprintf("within a metre one is late for %g %% of vehicles", 100*besideLateShare),
		fmt.Sprintf("over %g m at most, ± %g m", maxQueueWay, queueWaySigma),
		fmt.Sprintf("some metres (± %g m, %g s before the front)", tagReach, tagHeardBefore),
	)
}
