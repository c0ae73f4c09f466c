"""The optimum under targets: least tokens, interior point, polish, prices of the targets."""
