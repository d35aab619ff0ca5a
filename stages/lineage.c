#include "stages/lineage.h"
