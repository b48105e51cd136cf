package kinds

import "lanewarden/drivers/observation"

// table has one entry for every kind of observation. A test compares it with the schema.
var table = []Descriptor{
	{Kind: observation.Kind_KIND_RADIATION_OCCUPANCY, Subject: OfVehicle, Unit: "σ", View: StripChart,
		Sentence: sentenceOf(occupancy), Evidence: evidenceOf(occupancyEvidence),
		Detections: countOf(func(*observation.RadiationOccupancy) uint64 { return 1 })},
	{Kind: observation.Kind_KIND_RADIATION_SPECTRUM, Subject: OfVehicle, Unit: "/s", View: Spectrum,
		Sentence: sentenceOf(spectrum), Evidence: evidenceOf(spectrumEvidence), Detections: countOf(occupied)},
	{Kind: observation.Kind_KIND_RADIATION_BACKGROUND, Subject: OfDevice, Unit: "/s", Sentence: sentenceOf(background)},
	{Kind: observation.Kind_KIND_RADIATION_FAULT, Subject: OfDevice, Unit: "/s", Sentence: sentenceOf(radiationFault)},
	{Kind: observation.Kind_KIND_RADIATION_TAMPER, Subject: OfDevice, Sentence: sentenceOf(tamper)},
	{Kind: observation.Kind_KIND_RADIATION_SETUP, Subject: OfDevice, Sentence: sentenceOf(radiationSetup)},

	{Kind: observation.Kind_KIND_XRAY_IMAGE, Subject: OfVehicle, Unit: "kV", View: Scan,
		Sentence: sentenceOf(xrayImage), Evidence: evidenceOf(imageEvidence)},
	{Kind: observation.Kind_KIND_XRAY_THREAT_REPORT, Subject: OfVehicle, View: Threats,
		Sentence: sentenceOf(threatReport), Evidence: evidenceOf(threatEvidence)},
	{Kind: observation.Kind_KIND_XRAY_QUALITY, Subject: OfVehicle,
		Sentence: sentenceOf(xrayQuality), Evidence: evidenceOf(qualityEvidence)},
	{Kind: observation.Kind_KIND_XRAY_PREVIEW, Subject: OfVehicle,
		Sentence: sentenceOf(xrayPreview), Evidence: evidenceOf(previewEvidence)},
	{Kind: observation.Kind_KIND_XRAY_FAULT, Subject: OfDevice, Sentence: sentenceOf(xrayFault)},

	{Kind: observation.Kind_KIND_TRACE_ANALYSIS, Subject: OfVehicle, View: Plasmagram,
		Sentence: sentenceOf(traceAnalysis), Evidence: evidenceOf(analysisEvidence)},
	{Kind: observation.Kind_KIND_TRACE_VERIFICATION, Subject: OfDevice, Sentence: sentenceOf(traceVerification)},
	{Kind: observation.Kind_KIND_TRACE_BLANK, Subject: OfDevice, Sentence: sentenceOf(traceBlank)},
	{Kind: observation.Kind_KIND_TRACE_CALIBRATION, Subject: OfDevice, Sentence: sentenceOf(traceCalibration)},
	{Kind: observation.Kind_KIND_TRACE_HEALTH, Subject: OfDevice, Sentence: sentenceOf(traceHealth)},
	{Kind: observation.Kind_KIND_TRACE_QUALITY, Subject: OfDevice, DependsOnPast: true,
		Sentence: sentenceOf(traceQuality)},

	{Kind: observation.Kind_KIND_VEHICLE_DETECTION, Subject: OfVehicle, Unit: "km/h",
		Sentence: sentenceOf(vehicleDetection), Evidence: evidenceOf(loopEvidence)},
	{Kind: observation.Kind_KIND_VEHICLE_TAG, Subject: OfVehicle, Unit: "dBm", Reads: TagName,
		Sentence: sentenceOf(vehicleTag), Evidence: evidenceOf(tagEvidence)},
	{Kind: observation.Kind_KIND_VEHICLE_PLATE, Subject: OfVehicle, View: Plate, Reads: PlateName,
		Sentence: sentenceOf(vehiclePlate), Evidence: evidenceOf(plateEvidence)},
	{Kind: observation.Kind_KIND_VEHICLE_WEIGHT, Subject: OfVehicle, Unit: "kg", View: Weight,
		Sentence: sentenceOf(vehicleWeight), Evidence: evidenceOf(weightEvidence)},
	{Kind: observation.Kind_KIND_VEHICLE_CODE, Subject: OfVehicle, View: Card,
		Sentence: sentenceOf(vehicleCode), Evidence: evidenceOf(codeEvidence)},
	{Kind: observation.Kind_KIND_VEHICLE_READING, Subject: OfVehicle, View: Card,
		Sentence: sentenceOf(vehicleReading), Evidence: evidenceOf(readingEvidence)},
	{Kind: observation.Kind_KIND_DEVICE_READING, Subject: OfDevice, Sentence: sentenceOf(deviceReading)},

	{Kind: observation.Kind_KIND_DEVICE_STATE, Subject: OfDevice, DependsOnPast: true, Sentence: sentenceOf(deviceState)},
	{Kind: observation.Kind_KIND_DEVICE_FAULT, Subject: OfDevice, Sentence: sentenceOf(deviceFault),
		Faults: countOf(func(b *observation.DeviceFault) uint64 { return uint64(b.Count) })},
	{Kind: observation.Kind_KIND_DEVICE_CONDITION, Subject: OfDevice, Sentence: sentenceOf(deviceCondition)},
	{Kind: observation.Kind_KIND_DEVICE_IMPORT, Subject: OfDevice, Sentence: sentenceOf(deviceImport)},

	{Kind: observation.Kind_KIND_SITE_CLIMATE, Subject: OfSite, Unit: "°C", Sentence: sentenceOf(siteClimate)},
	{Kind: observation.Kind_KIND_SITE_POWER, Subject: OfSite, Unit: "V", Sentence: sentenceOf(sitePower)},
	{Kind: observation.Kind_KIND_SITE_CLOCK, Subject: OfSite, Unit: "ms", Sentence: sentenceOf(siteClock)},

	{Kind: observation.Kind_KIND_AGENT_STARTED, Subject: OfAgent, Sentence: sentenceOf(agentStarted)},
	{Kind: observation.Kind_KIND_AGENT_CLOCK_STEP, Subject: OfAgent, Unit: "s", Sentence: sentenceOf(clockStep)},

	{Kind: observation.Kind_KIND_PASSAGE_OPENED, Subject: OfPassage, Sentence: sentenceOf(passageOpened)},
	{Kind: observation.Kind_KIND_PASSAGE_UPDATED, Subject: OfPassage, Sentence: sentenceOf(passageUpdated)},
	{Kind: observation.Kind_KIND_PASSAGE_CLOSED, Subject: OfPassage, Sentence: sentenceOf(passageClosed)},
	{Kind: observation.Kind_KIND_PASSAGE_CORRECTED, Subject: OfPassage, Sentence: sentenceOf(passageCorrected)},

	{Kind: observation.Kind_KIND_AGENT_ACCESS, Subject: OfPeople, Sentence: sentenceOf(agentAccess)},
	{Kind: observation.Kind_KIND_DEVICE_TEST, Subject: OfPeople, Sentence: sentenceOf(deviceTest)},
	{Kind: observation.Kind_KIND_LANE_OUTPUT, Subject: OfPeople, Sentence: sentenceOf(laneOutput)},
}

// occupied counts a spectrum that was taken of a vehicle, not of the background.
func occupied(b *observation.RadiationSpectrum) uint64 {
	if b.Occupied {
		return 1
	}
	return 0
}
