"""When a persona will buy again: forecasts from sums of its purchases. numpy and scipy alone, no I/O."""
