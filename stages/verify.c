#include "stages/verify.h"
